"""Imports: what others say that was billed, read and kept."""
