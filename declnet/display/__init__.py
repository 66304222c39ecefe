"""The display of diagnostics as text, and HTML for notebooks."""
