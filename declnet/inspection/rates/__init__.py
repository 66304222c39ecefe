"""`declnet find-rate`: the search for a learning rate."""
