"""What came of one use of a component under one setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from declnet.components.arrays import Array
from declnet.testing.settings import Setting, copied
from declnet.testing.subjects import Subject


@dataclass
class Trial:
    """The arrays that a component filled, and those that it should have left alone.

    Attributes:
        outputs: copies of what it filled, by a name for messages, e.g. `"y"`.
        inputs: what it may only read: before and after.
        drawn: names of outputs that depend on random draws, which another memory order or float
            type may change.
    """

    outputs: dict[str, Array] = field(default_factory=dict)
    inputs: dict[str, tuple[Array, Array]] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)

    def watch(self, arrays: Mapping[str, Array], suffix: str = "") -> Callable[[], None]:
        """Notes what read-only arrays hold; the returned function notes what they hold then."""
        before = {name: copied(array) for name, array in arrays.items()}

        def note() -> None:
            for name, array in arrays.items():
                self.inputs[name + suffix] = before[name], copied(array)

        return note


Try = Callable[[Subject, Setting], Trial]
"""Uses a component once in each of the ways that its contract knows."""
