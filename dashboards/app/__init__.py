"""App: the dashboard as a server."""
