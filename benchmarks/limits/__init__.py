"""The machine's limits: what its products of matrices and its memory allow, and what a work asks."""
