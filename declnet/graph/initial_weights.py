"""Initial parameters from a file, and their names in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path

from declnet.contracts.arrays import Shape
from declnet.errors import Diagnostic, SpecError
from declnet.graph.parameters import Parameters, Slot, matches, pattern_expression, pattern_hint
from declnet.graph.weight_files import read_weights
from declnet.spec.model import InitialWeights

HERE = ("model", "initial_weights")


@dataclass(frozen=True)
class StartingPoint:
    """The parameters that a model takes from a file of weights.

    Attributes:
        path: the file.
        loaded: the names of the parameters in the file, by their names in the model.
        initialized: the parameters that start from their initializers.
        unused: the names in the file that the model does not use.
    """

    path: Path
    loaded: dict[str, str]
    initialized: tuple[str, ...]
    unused: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        """Return a line for each of these lists that is not empty."""
        path = normpath(self.path)
        named = (
            (f"loaded from {path}", self.loaded),
            ("initialized", self.initialized),
            (f"unused in {path}", self.unused),
        )
        return tuple(f"{label}: {', '.join(names)}" for label, names in named if names)


def starting_point(
    slots: Sequence[Slot], saved: Mapping[str, Shape], initial: InitialWeights
) -> tuple[StartingPoint, list[Diagnostic]]:
    """Match the parameters of a model with those in a file.

    Args:
        saved: the shapes of the arrays in the file, by name.
        initial: which of them to load, and under which names.

    Returns:
        What is loaded, and every error: patterns that match nothing, wrong shapes, nothing to load.
    """
    names, problems = _renamed(saved, initial)
    shapes = {slot.key: tuple(slot.parameter.shape) for slot in slots}
    for position, pattern in enumerate(initial.only):
        path = (*HERE, "only", position)
        if not any(matches(pattern, key) for key in shapes):
            message = f'no parameter of the model matches "{pattern}"'
            problems.append(Diagnostic(message, pattern_hint(pattern, [*shapes]), path, "E028"))
        elif not any(matches(pattern, key) for key in names.keys() & shapes.keys()):
            message = f'{initial.path.name} has no parameter of the model that matches "{pattern}"'
            hint = f"in the file: {', '.join(names) or 'nothing'}"
            problems.append(Diagnostic(message, hint, path, "E028"))
    chosen = {
        key: names[key]
        for key in shapes
        if key in names
        and (not initial.only or any(matches(pattern, key) for pattern in initial.only))
    }
    for key, name in chosen.items():
        if tuple(saved[name]) != shapes[key]:
            message = f"{key} has shape {tuple(saved[name])} in the file, but {shapes[key]} here"
            hint = "leave it out with only, or change the layer"
            problems.append(Diagnostic(message, hint, (*HERE, "path"), "E050"))
    if not chosen and not problems:
        message = f"no parameter of the model is in {initial.path.name}"
        hint = f"in the file: {', '.join(names) or 'nothing'}; rename them"
        problems.append(Diagnostic(message, hint, (*HERE, "path"), "E050"))
    used = set(chosen.values())
    point = StartingPoint(
        initial.path,
        chosen,
        tuple(key for key in shapes if key not in chosen),
        tuple(name for name in saved if name not in used),
    )
    return point, problems


def _renamed(
    saved: Mapping[str, Shape], initial: InitialWeights
) -> tuple[dict[str, str], list[Diagnostic]]:
    """Return the names in the file by those in the model; the first pattern that matches counts."""
    problems = []
    for old, new in initial.rename.items():
        path = (*HERE, "rename", old)
        if not any(matches(old, name) for name in saved):
            hint = pattern_hint(old, [*saved])
            message = f'{initial.path.name} has no parameter that matches "{old}"'
            problems.append(Diagnostic(message, hint, path, "E028", focus="key"))
        elif new.count("*") > old.count("*"):
            message = f'"{new}" has more * than "{old}"'
            hint = "each * in the new name needs a * in the old name"
            problems.append(Diagnostic(message, hint, path, "E050"))
    new_names = {name: _new_name(name, initial.rename) for name in saved}
    for new, count in Counter(new_names.values()).items():
        if count > 1 and initial.rename:
            those = " and ".join(name for name, new_name in new_names.items() if new_name == new)
            message = f"{those} would both be {new}"
            problems.append(Diagnostic(message, None, (*HERE, "rename"), "E050"))
    return {new: name for name, new in new_names.items()}, problems


def _new_name(name: str, rename: Mapping[str, str]) -> str:
    for old, new in rename.items():
        match = re.fullmatch(pattern_expression(old), name, re.DOTALL)
        if match is not None:
            texts = iter(match.groups())
            return re.sub(r"\*", lambda _: next(texts, "*"), new)  # noqa: B023  # called here
    return name


def load_part(store: Parameters, initial: InitialWeights) -> StartingPoint:
    """Load a part of a model's parameters from a file.

    Raises:
        SpecError: lists every error in the patterns and the shapes.
        WeightsError: the file cannot be read.
    """
    saved = read_weights(initial.path)
    shapes = {name: array.shape for name, array in saved.items()}
    point, problems = starting_point(store.slots, shapes, initial)
    if problems:
        raise SpecError(problems)
    for key, name in point.loaded.items():
        store.arrays[key][...] = saved[name]
    return point
