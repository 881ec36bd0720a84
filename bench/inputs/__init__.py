"""Inputs: pictures that are sent along, opened, checked and kept."""
