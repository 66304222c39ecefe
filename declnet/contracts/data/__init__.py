"""The contracts of data: sources, tables and transforms."""
