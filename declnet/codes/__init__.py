"""The codes of problems, and what each means."""
