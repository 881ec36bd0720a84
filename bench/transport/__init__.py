"""Transport: bytes to and from an endpoint, stamped at the socket."""
