"""The translations of layers into C99, a file for each family."""
