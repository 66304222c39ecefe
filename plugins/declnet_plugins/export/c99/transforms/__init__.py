"""The preparation of columns, and the inverse transforms of targets, in C99."""
