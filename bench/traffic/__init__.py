"""Traffic: what stands between a trial and its request."""
