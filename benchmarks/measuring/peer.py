"""What is known of a peer before it is imported."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from typing import Any

from measuring.compilers import found
from works.work import Work


@dataclass(frozen=True)
class Peer:
    """A peer: what it needs, what it cannot do alike, and how its row is read.

    Attributes:
        name: what tables and the command line call it.
        module: has `make(task, **options)`, a Trainer or a function that predicts.
        requires: modules that must be installed.
        options: for `make`.
        compiler: the program that it compiles with, "c++" or "clang".
        lacks: why it cannot train a kind of layer, by kind.
        counted: whether it may be the "best peer" that ratios refer to; declnet itself may not.
        same_batches: False: its order of samples differs, and so does its loss.
        mini_batches_only: a full batch is nothing new to it.
        standard: whether it runs unless asked otherwise.
        quick: whether `--quick` runs it unless asked otherwise.
        notes: by the work's name; "*" for every work.
    """

    name: str
    module: str
    requires: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    compiler: str = ""
    lacks: dict[str, str] = field(default_factory=dict)
    counted: bool = True
    same_batches: bool = True
    mini_batches_only: bool = False
    standard: bool = True
    quick: bool = False
    notes: dict[str, str] = field(default_factory=dict)

    def load(self) -> Callable[..., Any]:
        """Its `make`, options filled in; imports the peer."""
        return partial(importlib.import_module(self.module).make, **self.options)

    def missing(self) -> list[str]:
        """What the peer needs and is not here."""
        modules = [name for name in self.requires if find_spec(name) is None]
        return modules + ([self.compiler] if self.compiler and not found(self.compiler) else [])

    def cannot(self, work: Work) -> str:
        """Why it cannot do the work; empty if it can."""
        if self.mini_batches_only and work.full_batch:
            return "a full batch cannot be shuffled"
        return "; ".join(sorted({self.lacks[kind] for kind in work.kinds & set(self.lacks)}))
