"""Meter: one metered call, and the library that makes it."""
