"""The properties of a peer that are known before it is imported."""

import importlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from typing import Any

from works.work import Work


@dataclass(frozen=True)
class Peer:
    """A peer: its requirements, its limitations, and how to read its row.

    Attributes:
        name: the name in tables and on the command line.
        module: the module with `make(task, **options)`, which returns a Trainer or a function that
            predicts.
        requires: modules that must be installed.
        options: arguments for `make`.
        compiled: whether it needs a C++ compiler, which CXX may name.
        lacks: why it cannot train a kind of layer, by kind.
        counted: whether it may be the "best peer" that ratios refer to; declnet itself may not.
        same_batches: False if its order of samples differs, and so its loss.
        mini_batches_only: whether to skip full batches, where it would measure nothing new.
        standard: whether it runs by default.
        quick: whether it runs by default with `--quick`.
        notes: notes by the work's name; "*" for every work.
    """

    name: str
    module: str
    requires: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    compiled: bool = False
    lacks: dict[str, str] = field(default_factory=dict)
    counted: bool = True
    same_batches: bool = True
    mini_batches_only: bool = False
    standard: bool = True
    quick: bool = False
    notes: dict[str, str] = field(default_factory=dict)

    def load(self) -> Callable[..., Any]:
        """Import the peer and return its `make`, with the options bound."""
        return partial(importlib.import_module(self.module).make, **self.options)

    def missing(self) -> list[str]:
        """Return the requirements of the peer that are not installed."""
        modules = [name for name in self.requires if find_spec(name) is None]
        compilers = [os.environ["CXX"]] if os.environ.get("CXX") else ["c++", "g++"]
        lacks_compiler = self.compiled and not any(map(shutil.which, compilers))
        return [*modules, *(["c++"] if lacks_compiler else [])]

    def cannot(self, work: Work) -> str:
        """Return why the peer cannot run the work; empty if it can."""
        if self.mini_batches_only and work.full_batch:
            return "a full batch cannot be shuffled"
        return "; ".join(sorted({self.lacks[kind] for kind in work.kinds & set(self.lacks)}))
