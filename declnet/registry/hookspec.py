"""The one hook that a plugin implements, for components of every kind."""

from __future__ import annotations

from typing import Any, Protocol

import pluggy

PROJECT = "declnet"
"""The name of the pluggy project and of the entry-point group that plugins are found in."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a plugin's implementation of `declnet_register`."""


class Register(Protocol):
    """What the hook is given."""

    def __call__(self, component: type[Any]) -> None:
        """Registers a component class under its kind and type."""
        ...

    def lazily(self, kind: str, name: str, reference: str) -> None:
        """Announces a class that is imported only when a spec names it.

        Worth it in packages of many components, and for modules that are slow to import.

        Args:
            kind: of the class, e.g. `"layer"`.
            name: its type.
            reference: where it is, `"package.module:Class"`.
        """
        ...


@hookspec
def declnet_register(register: Register) -> None:
    """Registers a plugin's component classes.

    Called once, when plugins are discovered. Call `register(MyLayer)` for each class; its kind
    follows from the contract that it derives from (`Layer`, `Loss`, …), its name in specs from its
    `type`. The hook should do nothing else: no files, no network, no global state.
    """
