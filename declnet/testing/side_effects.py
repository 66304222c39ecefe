"""Changes that a component makes to the process or to itself, besides its work.

They are noted around each check of any kind. The last check of a component reports them.
"""

from __future__ import annotations

import builtins
import gc
import locale
import math
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

import declnet
from declnet import Component
from declnet.testing.checking import Subject, check, require

SECONDS_TO_END = 0.5
"""How long threads may go on after a check."""

LONGEST = 60
"""How many characters of what is printed are shown."""

_DESCRIPTORS = (property, classmethod, staticmethod)
_HOLDERS = (list, dict, set, tuple, deque)

_notes: ContextVar[list[str]] = ContextVar("notes")


def note_side_effect(effect: str) -> None:
    """Note a side effect of the component that is being checked, e.g. `"sets self.x"`."""
    _notes.get([]).append(effect)


def _global_generator() -> object:
    name, keys, *rest = np.random.get_state()
    return name, np.asarray(keys).tobytes(), rest


_SHARED: dict[str, Callable[[], Any]] = {
    "NumPy's error handling": lambda: (np.geterr(), np.geterrcall()),
    "NumPy's print options": np.get_printoptions,
    "NumPy's global random generator": _global_generator,
    "Python's global random generator": random.getstate,
    "the working directory": os.getcwd,
    "the locale": lambda: locale.setlocale(locale.LC_ALL),
    "the handlers of signals": lambda: [*map(signal.getsignal, (signal.SIGINT, signal.SIGTERM))],
    "garbage collection": gc.isenabled,
    "sys.stdout or sys.stderr": lambda: (sys.stdout, sys.stderr),  # noqa: TID251
    "the environment variables": lambda: dict(os.environ),
    "sys.path": lambda: [*sys.path],
    "the warning filters": lambda: [*warnings.filters],
}
"""What all components share, and must leave as it is."""


def _processes() -> set[str]:
    processes = set[str]()
    with suppress(AttributeError, ChildProcessError):  # if there are none, or it is not known
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        for children in Path("/proc/self/task").glob("*/children"):
            with suppress(OSError):  # the thread has ended
                processes.update(children.read_text("utf-8").split())
    return processes


def _files() -> set[str]:
    files, folder = set[str](), "/proc/self/fd"
    with suppress(OSError):
        for number in os.listdir(folder):  # noqa: PTH208  # often, and faster
            with suppress(OSError):  # the folder itself, which is closed
                files.add(f"{os.readlink(f'{folder}/{number}')} ({number})")  # noqa: PTH115
    return files


_LEFT: dict[str, Callable[[], set[Any]]] = {
    "a thread": lambda: {*threading.enumerate()},
    "a child process": _processes,
    "an open file": _files,
}
"""What a component must end or close itself; processes and files are known on Linux."""


class _Copied:
    """A stream that also keeps what is written to it."""

    def __init__(self, stream: Any) -> None:
        self._stream, self.text = stream, ""

    def write(self, text: str) -> int:
        self.text += text
        return int(self._stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def side_effects_noted(subject: Subject, check: str) -> Iterator[None]:
    """Note the side effects of a check, and undo those that another check would notice."""
    subject.once("libraries", _attributes_of_libraries)
    effects = subject.once("side effects", dict[str, str])
    attributes = subject.once("attributes", lambda: _attributes(subject.instance))
    notes, output, errors = list[str](), _Copied(sys.stdout), _Copied(sys.stderr)  # noqa: TID251
    token = _notes.set(notes)
    with (
        np.errstate(all="call", call=_ignore),  # as in training, but unlike what anybody sets
        warnings.catch_warnings(),
        redirect_stdout(output),
        redirect_stderr(errors),
    ):
        before, modules = _process(), len(sys.modules)
        try:
            yield
        finally:
            deadline = time.monotonic() + SECONDS_TO_END
            for thread in {*threading.enumerate()} - before["a thread"]:
                if "leaves a thread behind" not in effects:
                    thread.join(max(0.0, deadline - time.monotonic()))
            after = _process()
            if any(after[name] - before[name] for name in _LEFT):
                gc.collect()  # or another thread, such as pytest's, has just opened a file
                after = _process()
            _restore(before, after)
            if not _imports_others(modules):  # else it may be a library that does this, once
                notes += _differences(before, after)
            for name, stream in {"output": output, "error": errors}.items():
                if stream.text.strip():
                    notes.append(f"prints to standard {name}: {stream.text.strip()[:LONGEST]!r}")
            now = _attributes(subject.instance)
            names = [name for name in now if attributes.get(name) != now[name]]
            notes += [f"changes its own {', '.join(names)}"] if names else []
            _notes.reset(token)
            for note in notes:
                effects.setdefault(note.partition(":")[0], f"{note} (in {check})")


def _imports_others(before: int) -> bool:
    """Return whether modules besides declnet's own, which have no such effects, follow the first.

    Args:
        before: the number of modules that were imported before.
    """
    return any(not name.startswith("declnet.") for name in [*sys.modules][before:])


def _process() -> dict[str, Any]:
    return {name: read() for name, read in {**_SHARED, **_LEFT}.items()}


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name, value in after.items():
        if name in _LEFT:
            yield from (f"leaves {name} behind: {what}" for what in value - before[name])
        elif value != before[name]:
            yield f"changes {name}"


def _restore(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    variables = before["the environment variables"]
    if after["the environment variables"] != variables:
        os.environ.clear()
        os.environ.update(variables)
    os.chdir(before["the working directory"])
    sys.path[:] = before["sys.path"]


def _ignore(_error: str, _flag: int) -> None:
    """Ignore a floating-point error."""


def _attributes_of_libraries() -> list[tuple[Any, dict[str, Any]]]:
    """Return libraries and contracts, each with its attributes as they are now."""
    libraries: list[Any] = [np, np.linalg, np.random, builtins, math, os, random, time, declnet]
    contracts = {
        cls
        for value in vars(declnet).values()
        if isinstance(value, type)
        for cls in value.__mro__
        if cls.__module__.startswith("declnet.")
    }
    return [(owner, dict(vars(owner))) for owner in (*libraries, *contracts)]


def _attributes(instance: Any) -> dict[str, str]:
    """Return the plain attributes of an instance and its classes as text, without pydantic's."""
    attributes = vars(instance) | (getattr(instance, "__pydantic_private__", None) or {})
    texts = {
        f"attribute {name}": repr(value)
        for name, value in attributes.items()
        if not isinstance(getattr(type(instance), name, None), cached_property)
    }
    for cls in type(instance).__mro__:
        if cls in (Component, object):
            break
        for name, value in vars(cls).items():
            if not name.startswith(("__", "_abc", "model_")) and not callable(value):
                texts[f"{cls.__name__}.{name}"] = repr(value)
    return texts


def held_by_modules_of(cls: type[Any]) -> int:
    """Return how many objects the modules of a class and of its methods hold, however deep."""
    methods = [value for value in vars(cls).values() if isinstance(value, FunctionType)]
    names = {cls.__module__, *(method.__module__ for method in methods)}
    queue: list[Any] = [cls, *(sys.modules[name] for name in names if name in sys.modules)]
    held, known = 0, set[int]()
    while queue:
        holder = queue.pop()
        if id(holder) not in known and not isinstance(holder, FunctionType):
            known.add(id(holder))
            values = _values_of(holder)
            held += len(values)
            queue += [
                value
                for value in values
                if isinstance(value, _HOLDERS) or getattr(value, "__module__", None) in names
            ]
    return held


def _values_of(holder: Any) -> list[Any]:
    if isinstance(holder, _HOLDERS):
        return [*(holder.values() if isinstance(holder, dict) else holder)]
    attributes = getattr(holder, "__dict__", {})
    return [value for name, value in attributes.items() if not name.startswith("__")]


@check
def has_no_side_effects(subject: Subject) -> None:
    """Prints nothing, changes neither itself nor what all share, and keeps or leaves nothing.

    All share the settings and functions of NumPy and Python, the global random generators, the
    environment and the working directory. It may leave no file open, no thread and no process.
    """
    effects = dict(subject.once("side effects", dict[str, str]))
    for owner, attributes in subject.once("libraries", _attributes_of_libraries):
        now = vars(owner)
        for name, value in attributes.items():
            if now.get(name) is not value and (callable(value) or isinstance(value, _DESCRIPTORS)):
                effects[name] = f"replaces {owner.__name__}.{name}"
                setattr(owner, name, value)
    fault = f"it {', and '.join(effects.values())}; keep to the arguments and the state"
    require(not effects, fault)
