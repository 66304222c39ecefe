"""Data that a component takes, for checks of what stands for components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from declnet import Array, Registry
from declnet.testing.catalogue import checks_module
from declnet.testing.checking import Subject


@dataclass(frozen=True, eq=False)
class ExampleData:
    """Data that a layer, a loss, a transform or a calibrator takes.

    Attributes:
        name: what messages call it.
        arrays: the inputs of a layer; else one array, (n, …): the predictions that a loss or a
            calibrator gets, or the column of a transform.
        state: what a transform or a calibrator learned, from data of the same kind.
        task: the task of a calibrator's predictions, e.g. `"classes"`; empty for other kinds.
    """

    name: str
    arrays: tuple[Array, ...]
    state: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""


def example_data(component: Any, registry: Registry) -> Iterator[ExampleData]:
    """Yield data of each shape or kind that a component takes.

    Args:
        component: a layer, a loss, a transform or a calibrator.
        registry: where what it names is looked up.

    Raises:
        CheckFailed: the component breaks its contract.
        CheckSkipped: it takes none of the kit's data.
    """
    yield from checks_module(component).example_data(Subject(component, registry=registry))
