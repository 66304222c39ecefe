"""Looking inside a network and its training, without writing a run."""
