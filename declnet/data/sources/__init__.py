"""Data sources: choosing one for a file, loading it, and checking what it returns."""
