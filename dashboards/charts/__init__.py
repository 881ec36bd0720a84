"""Charts: rows made into figures, for screens and report alike."""
