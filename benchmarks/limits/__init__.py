"""The machine's limits: what its arithmetic and memory allow, and what a work asks of them."""
