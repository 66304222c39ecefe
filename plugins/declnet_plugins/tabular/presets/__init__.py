"""Presets for tables: the spec of a published default network, written for a table."""
