"""Exports: a run as files for other programs."""
