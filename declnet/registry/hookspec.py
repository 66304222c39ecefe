"""The single hook that plugins implement, for components of every kind."""

from __future__ import annotations

from typing import Any, Protocol

import pluggy

PROJECT = "declnet"
"""The name of the pluggy project and of the entry-point group for plugins."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a plugin's implementation of `declnet_register`."""


class Register(Protocol):
    """The callable passed to the hook."""

    def __call__(self, component: type[Any], *, contract_version: int = 1) -> None:
        """Register a component class under its kind and type.

        Args:
            component: the class.
            contract_version: the version of its contract that it was written for. The class is
                refused if another one is installed.
        """
        ...

    def lazily(
        self,
        kind: str,
        name: str,
        module: str,
        replaces: tuple[str, ...] | None = None,
        format: str | None = None,  # noqa: A002  # as the class attribute
        contract_version: int = 1,
    ) -> None:
        """Announce a class whose module is imported only when a spec names it.

        This pays off in packages with many components, and for modules that are slow to import.

        Args:
            kind: the class's kind, e.g. `"layer"`.
            name: its type.
            module: the name of the module that defines it, e.g. `"declnet_waves.filters"`.
            replaces: for a class with `replaces`, as a kernel or a translation, the types of those
                components, in order. It is then imported only for models that have them, otherwise
                for every run or export.
            format: for a class that has a `format` too, as a translation, that format.
            contract_version: the version of its contract that it was written for.
        """
        ...


@hookspec
def declnet_register(register: Register) -> None:
    """Register a plugin's component classes.

    Called once, when plugins are discovered. Call `register(MyLayer)` for each class; its kind
    follows from its contract, the base class (`Layer`, `Loss`, …), and its name in specs from its
    `type`. The hook should do nothing else: no files, no network, no global state.
    """
