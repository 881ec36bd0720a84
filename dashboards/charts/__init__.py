"""Charts: rows made into figures, for screens and report alike.

Every chart is a pure function of rows (mappings, as the index and the studies
give them) and returns a figure in our light template; `dress` puts the dark one
on. Names that come from outside are shown as plain text, whatever they hold.
"""
