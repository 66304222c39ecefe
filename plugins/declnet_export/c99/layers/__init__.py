"""How layers are written in C99, a file for each family."""
