"""Bench: plans, runs and records of image-API measurements."""
