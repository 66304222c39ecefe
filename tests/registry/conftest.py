"""Plugins to register: good ones, and broken ones."""

from __future__ import annotations

import pytest

from declnet import Schedule


@pytest.fixture
def make_schedule():
    """Return a factory of new component classes with a given type."""

    def make(name: str, rate: float = 0.5) -> type[Schedule]:
        return type(
            name.title(),
            (Schedule,),
            {
                "type": name,
                "rate": lambda self, step, total: rate,
                "__module__": __name__,
                "__annotations__": {},
            },
        )

    return make
