"""Where components come from, and what could not be used of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

FIRST_PARTY = "declnet"
"""The distribution whose components keep their types where others offer the same."""


@dataclass(frozen=True, order=True)
class Plugin:
    """An entry point of an installed distribution (of this process, for classes added by hand)."""

    name: str
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        origin = f"{self.distribution} {self.version}".strip()
        return f"{self.name} ({origin})" if origin else self.name

    def described(self) -> str:
        """With the word plugin before it, if it is one."""
        return str(self) if self == LOCAL else f"plugin {self}"


LOCAL = Plugin("this program")


def normalized(distribution: str) -> str:
    """A distribution's name as package installers compare it: `Declnet_Wave` is `declnet-wave`."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@dataclass(frozen=True)
class PluginFailure:
    """A plugin, or one class of it, that could not be used.

    Attributes:
        cause: the exception in words, e.g. `"ImportError: no module named …"`.
        kind: the kind of the refused class, where it is known.
        type: the type of the refused class, where it is known.
    """

    plugin: Plugin
    cause: str
    kind: str | None = None
    type: str | None = None

    def __str__(self) -> str:
        return f"plugin {self.plugin}: {self.cause}"


def cause_of(error: BaseException) -> str:
    """An exception in words, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
