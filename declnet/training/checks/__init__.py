"""Checks whole specs before training: data, shapes, labels, weights and memory together."""
