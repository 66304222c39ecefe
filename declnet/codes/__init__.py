"""Diagnostic codes and their explanations."""
