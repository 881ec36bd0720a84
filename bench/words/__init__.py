"""Words: figures as people read them."""
