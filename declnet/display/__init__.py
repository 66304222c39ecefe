"""How things are shown: diagnostics as text, and HTML for notebooks."""
