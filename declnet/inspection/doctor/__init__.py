"""`declnet doctor`: the installation and its problems."""
