"""`declnet overfit`: a few samples overfitted, or what prevents it."""
