"""Broken components: each is right but for one fault, and has the check that must catch it."""

from . import data, declarations, execution, layers, losses, parameters, runs

EXPECTED = dict(
    fault
    for family in (data, declarations, execution, layers, losses, parameters, runs)
    for fault in family.BROKEN
)
"""Which check must catch each broken component."""
