"""Trainings in float64 for comparison with other libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from declnet import Dataset, default_registry, parse_spec
from declnet.contracts.runs.callback import EpochLogged
from declnet.training.preparation import prepare
from declnet.training.trainer import Trainer
from tests.documents import spec_document


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    """Set torch's default dtype, which NAdam's product of all mu has for any parameters."""
    if find_spec("torch") is None:
        yield
        return
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture
def our_path() -> Callable[..., tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return the initial parameters of a training and the parameters after each epoch."""

    def train(data: Dataset, layers: Any, loss: Any, optimizer: Any, **training: Any) -> Any:
        document = spec_document(layers, loss, optimizer, dtype="float64", training=training)
        spec, registry = parse_spec(document), default_registry()
        prepared = prepare(spec, registry, {"train": data})
        trainer = Trainer(prepared)
        start, events = prepared.model.parameters(), trainer.events()
        logged = (event for event in events if isinstance(event, EpochLogged))
        return start, [prepared.model.parameters() for _ in logged]

    return train
