"""The display of runs and their results: metrics as text, and HTML for notebooks."""
