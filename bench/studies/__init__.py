"""Studies: questions answered over recorded runs."""
