"""Plan: what will be sent, in which order, for how much at most."""
