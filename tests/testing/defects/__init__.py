"""Components with one defect each, written from the documentation alone.

Group A has defects that once passed the kit, group B has others. `found.txt` lists the checks that
find each of them.
"""

from . import (
    analyses,
    calibrators,
    callbacks,
    data_sources,
    executors,
    exporters,
    importers,
    initializers,
    kernels,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
    searchers,
    templates,
    transforms,
)

DEFECTS = tuple(
    defect
    for family in (
        layers,
        losses,
        regularizers,
        initializers,
        optimizers,
        schedules,
        metrics,
        data_sources,
        transforms,
        calibrators,
        callbacks,
        analyses,
        templates,
        searchers,
        executors,
        exporters,
        importers,
        kernels,
    )
    for defect in family.DEFECTS
)
"""The group of each component, A or B, and its class."""


def name_of(component):
    """Return the name of a component in the table."""
    return f"{component.kind}:{component.type}"
