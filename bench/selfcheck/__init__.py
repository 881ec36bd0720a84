"""Selfcheck: whether this program itself kept up, and what proves it."""
