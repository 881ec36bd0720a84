"""Filters: what is chosen on a page, kept in its address."""
