"""Commands of the top storey: demo."""
