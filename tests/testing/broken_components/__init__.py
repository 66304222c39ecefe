"""Broken components: correct ones with one fault each, and the check that must catch it."""

from . import data, declarations, execution, layers, losses, parameters, runs

EXPECTED = dict(
    fault
    for family in (data, declarations, execution, layers, losses, parameters, runs)
    for fault in family.BROKEN
)
"""The check that must catch each broken component."""
