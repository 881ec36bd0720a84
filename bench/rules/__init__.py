"""Rules: what models and APIs accept, checked before money is spent."""
