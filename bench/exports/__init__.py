"""Exports: the rows of a run for other programs."""
