"""Commands: one file a command group of the command line."""
