"""Training as an iterator of events, and evaluation."""
