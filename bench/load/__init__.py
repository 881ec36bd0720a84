"""Load: when requests begin, and the search for the rate that holds."""
