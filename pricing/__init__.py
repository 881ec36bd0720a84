"""Pricing: dated rates, charges and projections; pure."""
