"""Wrong components: each is right but for one planted fault, and names the check that finds it."""

from . import (
    batches,
    callbacks,
    data_sources,
    declarations,
    findings,
    fusions,
    gradients,
    initializers,
    losses,
    memory,
    metrics,
    needs,
    optimizers,
    randomness,
    regularizers,
    schedules,
    shapes,
    state,
    targets,
    transforms,
)

HOUSES = (
    batches,
    callbacks,
    data_sources,
    declarations,
    findings,
    fusions,
    gradients,
    initializers,
    losses,
    memory,
    metrics,
    needs,
    optimizers,
    randomness,
    regularizers,
    schedules,
    shapes,
    state,
    targets,
    transforms,
)

WRONG = {cls: check for house in HOUSES for cls, check in house.WRONG.items()}
