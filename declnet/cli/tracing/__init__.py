"""The output of `declnet trace`: its sections, as text and as a page."""
