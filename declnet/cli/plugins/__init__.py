"""`declnet plugins`: what is installed, what it is, whether it is right, and how to begin."""
