"""Checkup: what stands in the way of a run, found before it."""
