"""Broken components: each is right but for one fault, and names the check that must catch it."""

from . import (
    analyses,
    calibrators,
    callbacks,
    data,
    declarations,
    engines,
    executors,
    formats,
    kernels,
    losses,
    memory,
    parameters,
    results,
    searchers,
    templates,
    translations,
)
from .expected import EXPECTED as EXPECTED

FAMILIES = (
    analyses,
    calibrators,
    callbacks,
    data,
    declarations,
    engines,
    executors,
    formats,
    kernels,
    losses,
    memory,
    parameters,
    results,
    searchers,
    templates,
    translations,
)
