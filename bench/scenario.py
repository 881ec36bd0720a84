"""Scenario: a month to project, as people write it."""
