"""Broken components: each is right but for one fault, and names the check that must catch it."""

from . import (
    callbacks,
    data,
    declarations,
    engines,
    kernels,
    losses,
    memory,
    parameters,
    results,
)
from .expected import EXPECTED as EXPECTED

FAMILIES = (callbacks, data, declarations, engines, kernels, losses, memory, parameters, results)
