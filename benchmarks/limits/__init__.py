"""The machine's limits: its arithmetic and memory rates, and the minimum that a work requires."""
