"""Preparation: what turns the columns of a table into x and y, fitted to the training data."""
