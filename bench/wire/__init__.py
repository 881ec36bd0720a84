"""Wire: what came over the wire, as facts; pure."""
