"""Broken components: each is right but for one fault, and names the check that must catch it."""

from . import (
    analyses,
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

FAMILIES = (
    analyses,
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
