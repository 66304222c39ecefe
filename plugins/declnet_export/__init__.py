"""Exporters of trained models that need no further package."""
