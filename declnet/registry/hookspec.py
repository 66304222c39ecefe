"""The one hook that a plugin implements, for components of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pluggy

PROJECT = "declnet"
"""The name of the pluggy project and of the entry-point group that plugins are found in."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a plugin's implementation of `declnet_register`."""

Register = Callable[[type[Any]], None]
"""What the hook is given: call it once with each component class."""


@hookspec
def declnet_register(register: Register) -> None:
    """Registers a plugin's component classes.

    Called once, when plugins are discovered. Call `register(MyLayer)` for each class; its kind
    follows from the contract that it derives from (`Layer`, `Loss`, …), its name in specs from its
    `type`. The hook should do nothing else: no files, no network, no global state.
    """
