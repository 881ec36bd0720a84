"""Screens: one module a page of the dashboard."""
