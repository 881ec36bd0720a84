"""Dashboards: everything that is looked at."""
