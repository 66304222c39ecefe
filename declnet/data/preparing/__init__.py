"""Preparation: the conversion of a table's columns into x and y, fitted to the training data."""
