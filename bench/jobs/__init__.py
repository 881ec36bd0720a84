"""Jobs: trials carried out by the Batch API, many in one file."""
