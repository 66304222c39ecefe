"""What runs and their results look like: metrics as text, and HTML for notebooks."""
