"""Where a key belongs that stands in the wrong section."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from declnet.components.declared import StrictModel
from declnet.components.loss import Loss
from declnet.components.optimizer import Optimizer
from declnet.errors import Diagnostic
from declnet.spec.data_spec import DataSpec
from declnet.spec.run_spec import ModelSpec, RunSpec, TrainingSpec

SECTIONS: dict[str, type[StrictModel]] = {
    "data": DataSpec,
    "model": ModelSpec,
    "loss": Loss,
    "optimizer": Optimizer,
    "training": TrainingSpec,
}


def with_homes(problems: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The problems; an unknown key that another section has is told so."""
    return [replace(each, help=_hint(each)) if each.code == "E010" else each for each in problems]


def _hint(problem: Diagnostic) -> str | None:
    path = problem.path
    if path == ("extends",):
        return "only spec files extend others; read it with load_spec"
    if len(path) == 1 or (len(path) == 2 and path[0] in SECTIONS):
        for section, model in SECTIONS.items():
            if path[-1] in model.model_fields and section != path[0]:
                return f"it belongs in [{section}]"
        if len(path) == 2 and path[-1] in RunSpec.model_fields:
            return "it belongs at the top of the spec, outside all sections"
    return problem.help
