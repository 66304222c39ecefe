"""The origins of components: plugins, their failures, and what their distributions require."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, requires, version
from time import monotonic
from traceback import walk_tb

from declnet.display.characters import escaped_line
from declnet.errors import error_place, error_summary
from declnet.locks import ForkSafeLock


def unmet(requirement: str) -> str | None:
    """Return why the installed distributions do not meet a requirement; None if they do.

    Raises:
        ValueError: the text is not a PEP 508 requirement.
    """
    from packaging.requirements import Requirement  # rarely needed

    parsed = Requirement(requirement)
    if parsed.marker is not None and not parsed.marker.evaluate({"extra": ""}):
        return None
    try:
        installed = version(parsed.name)
    except PackageNotFoundError:
        return f"{parsed.name} is not installed"
    if parsed.specifier.contains(installed, prereleases=True):
        return None
    return f"{parsed.name} {installed} is installed, but {parsed.specifier} is needed"


def unmet_requirements(distribution: str) -> str:
    """Return which requirements of a distribution are not met, with pip commands; empty if none."""
    try:
        required = requires(distribution) or ()
        faults = {requirement: unmet(requirement) for requirement in required}
    except (PackageNotFoundError, ValueError):
        return ""
    return "; ".join(
        f'{fault} (pip install "{requirement.partition(";")[0].strip()}")'
        for requirement, fault in faults.items()
        if fault is not None
    )


FIRST_PARTY = "declnet"
"""The distribution whose components win over others of the same type."""


@dataclass(frozen=True, order=True)
class Plugin:
    """An entry point of an installed distribution, or this process for classes added by hand."""

    name: str
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.origin})" if self.distribution else self.name

    @property
    def origin(self) -> str:
        """The distribution with its version; the plugin's name if it has no distribution."""
        return f"{self.distribution} {self.version}".strip() or self.name

    def described(self) -> str:
        """Return its name, preceded by the word plugin if it is one."""
        return str(self) if self == LOCAL else f"plugin {self}"

    @property
    def requirement(self) -> str:
        """The pip requirement for this version of the distribution; else the plugin's name."""
        return f"{self.distribution}=={self.version}" if self.distribution else self.name

    def origin_hint(self) -> str:
        """Return a hint with a component's origin and how to install it again."""
        if not self.distribution:
            return f"it came from {self.name}: pass its registry"
        return f'it came from {self.origin}: pip install "{self.requirement}"'

    def is_of(self, distribution: str) -> bool:
        """Return whether the distribution has this name, after normalization."""
        return normalized(self.distribution) == normalized(distribution)


LOCAL = Plugin("this program")


@lru_cache(maxsize=1024)  # asked for all distributions, often
def normalized(distribution: str) -> str:
    """Return a distribution's normalized name: `declnet-wave` for `Declnet_Wave`."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def origins_in_words(plugins: Sequence[Plugin]) -> str:
    """Return a phrase with the distributions and versions of plugins."""
    *others, last = (plugin.origin for plugin in plugins)
    return f"{', '.join(others)} and {last}" if others else last


@dataclass(frozen=True)
class PluginFailure:
    """A plugin, or one class of it, that could not be used.

    Attributes:
        cause: the exception as text, e.g. `"ImportError: no module named …"`.
        place: the file and line where the plugin raised it, if known.
        kind: the kind of the rejected class, if known.
        type: the type of the rejected class, if known.
    """

    plugin: Plugin
    cause: str
    kind: str | None = None
    type: str | None = None
    place: str | None = None

    def __str__(self) -> str:
        return f"plugin {self.plugin}: {self.cause}"

    @property
    def described_cause(self) -> str:
        """The cause with the place."""
        return f"{self.cause} ({self.place})" if self.place else self.cause

    @classmethod
    def of(
        cls,
        plugin: Plugin,
        error: BaseException,
        kind: str | None = None,
        type: str | None = None,  # noqa: A002  # as the attribute
    ) -> PluginFailure:
        """Return the failure by an exception, with unmet requirements of the distribution."""
        cause = cause_of(error)
        unmet = unmet_requirements(plugin.distribution) if plugin.distribution else ""
        return cls(plugin, f"{cause}; {unmet}" if unmet else cause, kind, type, error_place(error))


loading_plugins = ForkSafeLock()
"""Held while plugins are discovered or a class is imported, since what these print is redirected
for the whole process."""


SLOW_IMPORT = 1.0
"""Seconds after which the import of a plugin is named, since every command waits for it."""


@contextmanager
def running_plugin(plugin: Plugin, failed: Callable[[BaseException], None]) -> Iterator[None]:
    """Run a plugin's own code at its import or registration.

    What it prints goes to standard error: standard output belongs to the command's results. A slow
    plugin of another distribution is named there, and one that the user interrupts in a note.

    Args:
        plugin: the plugin.
        failed: called with any exception, except for the user's own interruption.
    """
    start = monotonic()
    try:
        with redirect_stdout(sys.stderr):
            yield
    except BaseException as error:
        if is_interruption(error):
            without = f"--no-plugin {plugin.name}, or DECLNET_DISABLE_PLUGINS={plugin.name}"
            error.add_note(f"while importing {plugin.described()}; to run without it: {without}")
            raise
        failed(error)
    seconds = monotonic() - start
    if seconds > SLOW_IMPORT and plugin.distribution != FIRST_PARTY:
        slow = f"note: importing {plugin.described()} took {seconds:.1f} s"
        print(escaped_line(slow), file=sys.stderr)  # noqa: T201  # before any command has begun


def is_interruption(error: BaseException) -> bool:
    """Return whether the user interrupts, not a plugin that raises KeyboardInterrupt.

    The two can be distinguished where the handler of Ctrl-C is the core's own.
    """
    if not isinstance(error, KeyboardInterrupt):
        return False
    handler = getattr(signal.getsignal(signal.SIGINT), "__module__", None) or ""
    return not handler.startswith("declnet.") or is_from_core(error)


def is_from_core(error: BaseException) -> bool:
    """Return whether the core raised it, as the handler of a signal does within a component."""
    *_, (frame, _) = walk_tb(error.__traceback__)
    return bool(frame.f_globals.get("__name__", "").startswith("declnet."))


def cause_of(error: BaseException) -> str:
    """Return an exception as text on one line."""
    return " ".join(error_summary(error).split())
