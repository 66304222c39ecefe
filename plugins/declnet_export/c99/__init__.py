"""Models in C99, for any processor: the exporter, and a file for each family of components."""
