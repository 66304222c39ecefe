"""The served models: loading, prediction, and reload when a run's folder changes."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from declnet import (
    ColumnType,
    DataError,
    DeclnetError,
    Predictor,
    Registry,
    error_summary,
    is_group,
    load_predictor,
    prediction_columns,
    unpacked,
)
from declnet_plugins.serve.answers import Answer, PredictionRequest, answer
from declnet_plugins.serve.bodies import Shape
from declnet_plugins.serve.contract import KINDS, Contract
from declnet_plugins.serve.problems import ProblemError

Signature = tuple[tuple[str, int, int, int], ...]

_SUFFIXES = (".json", ".toml", ".safetensors")


@dataclass(frozen=True)
class Column:
    """A column of a model's input.

    Attributes:
        name: its name.
        type: the type of its values; None if numbers and text are accepted.
        known: the values that the model tells apart; None if there are no such values.
        closed: whether other values are an error.
    """

    name: str
    type: ColumnType | None
    known: tuple[Any, ...] | None = None
    closed: bool = False


class LoadedModel:
    """A model in memory, which never changes; a reload makes another one.

    Attributes:
        shape: the form of its samples.

    Args:
        name: its name in paths.
        path: the run's folder, or a folder of folds or seeds.
        registry: where components are looked up; None: the installed ones.
        notice: receives notes on the run.
        allow_changes: whether components may compute something else than in the training.

    Raises:
        DeclnetError: the run does not exist or cannot be read.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        registry: Registry | None,
        notice: Callable[[str], None],
        *,
        allow_changes: bool = False,
    ) -> None:
        self.name = name
        self.allow_changes = allow_changes
        self.predictor: Predictor = load_predictor(
            path, registry, notice=notice, allow_changes=allow_changes
        )
        self.version = _version(path)
        self._seconds: dict[tuple[str, int], float] = {}
        self.loaded = datetime.now(UTC).isoformat(timespec="seconds")
        first = self.predictor.members[0]
        windows = self.predictor.windows
        others: dict[str, ColumnType | None] = {}
        if windows is not None:
            if windows.spec.series is not None:
                others[windows.spec.series] = "text"
            if windows.time is not None:
                others[windows.time] = None
        features = self.predictor.feature_types
        named = () if features is not None else tuple(name for name in first.model.inputs if name)
        others = {name: kind for name, kind in others.items() if name not in (features or {})}
        self.shape = Shape(features, others, named)

    @cached_property
    def columns(self) -> tuple[Column, ...] | None:
        """The columns that a table must have; None for a model of arrays."""
        shape = self.shape
        if shape.types is None:
            return None
        every: dict[str, ColumnType | None] = {**shape.types, **shape.others}
        return tuple(self._described(name, kind) for name, kind in every.items())

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the arrays of a model with several inputs."""
        return self.shape.inputs

    @cached_property
    def sample_shape(self) -> dict[str, tuple[int, ...]]:
        """The shape of a sample as the layers take it, by the name of the input."""
        model = self.predictor.members[0].model
        return {name: info.shape for name, info in model.inputs.items()}

    def _described(self, name: str, kind: ColumnType | None) -> Column:
        members = self.predictor.members
        for step in chain(*(member.preparation.steps for member in members)):
            if name not in step.states:
                continue
            state = step.states[name]
            known = step.transform.known_values(state)
            if known is not None:
                return Column(name, kind, known, _rejects(step.transform, state, known))
        return Column(name, kind)

    @cached_property
    def example(self) -> Any:
        """A JSON body that the model accepts; None if none was found."""
        for text in ("text", "2026-01-31"):
            body = self._body(text)
            try:
                samples, _ = self.shape.read(body, 1)
                self.predictor.predict(samples)
            except (DeclnetError, ProblemError, ValueError):
                continue
            return body
        return None

    def _body(self, text: str) -> Any:
        if self.columns is not None:
            values = {"number": 0.5, "integer": 1, "boolean": True, "text": text, None: text}
            return [
                {
                    column.name: column.known[0] if column.known else values[column.type]
                    for column in self.columns
                }
            ]
        arrays = {name: np.zeros((1, *shape)).tolist() for name, shape in self.sample_shape.items()}
        return arrays if self.inputs else next(iter(arrays.values()))

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The names of a prediction's columns with their JSON types; empty if they are unknown.

        Those of the spread, which only some requests ask for, are not among them.
        """
        if self.example is None:
            return {}
        samples, _ = self.shape.read(self.example, 1)
        kinds = {"f": "number", "i": "integer", "u": "integer", "b": "boolean"}
        columns = prediction_columns(self.predictor.predict(samples, spread=False))
        return {name: kinds.get(column.dtype.kind, "string") for name, column in columns.items()}

    @cached_property
    def contract(self) -> Contract:
        """What the clients of the model rely on."""
        if self.columns is not None:
            inputs = {
                column.name: "any type" if column.type is None else KINDS[column.type]
                for column in self.columns
            }
        else:
            inputs = {name or "x": str(shape) for name, shape in self.sample_shape.items()}
        losses = zip(self.predictor.heads, self.predictor.readings, strict=True)
        classes = {
            head.name or "prediction": ", ".join(map(str, reading.class_names))
            for head, reading in losses
            if reading.class_names
        }
        return Contract(inputs, self.outputs, classes)

    def require_contract(self, contract: Contract) -> None:
        """Raise DataError if requests or predictions differ from a contract."""
        differences = contract.differences(self.contract)
        if differences is not None:
            raise DataError(
                f"the retrained model cannot replace the served one: {differences}",
                hint="serve it under another name, or restart the server",
            )

    def answer(self, request: PredictionRequest) -> Answer:
        """Return the predictions for a request, as `answers.answer`, and remember its work."""
        start = time.thread_time()
        try:
            return answer(self, request)
        finally:
            self._seconds[_kind(request)] = time.thread_time() - start

    def expected_seconds(self, request: PredictionRequest) -> float:
        """Return the processor time of the last request of this form and size; else infinity."""
        return self._seconds.get(_kind(request), float("inf"))


def _kind(request: PredictionRequest) -> tuple[str, int]:
    """Return the form of a request's body, and its size as a power of two."""
    return request.form, len(request.body).bit_length()


def _rejects(transform: Any, state: Any, known: tuple[Any, ...]) -> bool:
    """Return whether a transform rejects a value that is not among the known ones."""
    if not known or not all(isinstance(value, str) for value in known):
        return False
    other = np.array(["\N{WHITE SQUARE}".join(known)[:200] + "\N{WHITE SQUARE}"], object)
    try:
        transform.apply(other, state)
    except Exception:  # a third party's transform may raise anything
        return True
    return False


def _version(path: Path) -> str:
    name = "group.json" if is_group(path) else "manifest.json"
    try:
        return hashlib.sha256((unpacked(path) / name).read_bytes()).hexdigest()[:12]
    except OSError:
        return "unknown"


def signature_of(path: Path) -> Signature:
    """Return what changes when a run is replaced; raise OSError if the folder cannot be read.

    The files of a run that a prediction needs, with their sizes, times and numbers; for a folder of
    runs, also those of its runs; of a pack, the file itself.
    """
    files = []
    if path.is_file():
        about = path.stat()
        return ((path.name, about.st_size, about.st_mtime_ns, about.st_ino),)
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.endswith(_SUFFIXES) and not entry.name.startswith("."):
                about = entry.stat()
                files.append((entry.name, about.st_size, about.st_mtime_ns, about.st_ino))
            elif (Path(entry.path) / "manifest.json").is_file():
                about = (Path(entry.path) / "manifest.json").stat()
                files.append((entry.name, about.st_size, about.st_mtime_ns, about.st_ino))
    return tuple(sorted(files))


@dataclass
class ServedModel:
    """A name with the model that answers now, and what happened at the last reload.

    Attributes:
        name: the name in paths.
        path: the run's folder.
        model: the model that answers.
        error: why the folder's present content could not be loaded; None if it is what answers.
        reloads: how often another model was loaded.
    """

    name: str
    path: Path
    model: LoadedModel
    error: str | None = None
    reloads: int = 0
    _loaded: Signature = ()
    _seen: Signature | None = None
    _failed: Signature | None = field(default=None)
    _retry: float = 0.0

    def changed(self) -> bool:
        """Return whether the folder differs from the loaded one, and came to rest.

        A folder that could not be loaded is tried again when it changes, and every minute.
        """
        try:
            now = signature_of(self.path)
        except OSError as error:
            self.error = f"{self.path}: {error.strerror or error}"
            self._seen = None
            return False
        at_rest, self._seen = now == self._seen, now
        if now == self._loaded:
            self.error = None
            return False
        return at_rest and (now != self._failed or time.monotonic() >= self._retry)

    def reload(self, registry: Registry | None, notice: Callable[[str], None]) -> bool:
        """Load the folder's present content, and replace the model if that succeeds.

        A model with other inputs, outputs or classes does not replace it.
        """
        before = self._seen or ()
        try:
            allow_changes = self.model.allow_changes
            fresh = LoadedModel(self.name, self.path, registry, notice, allow_changes=allow_changes)
            _ = fresh.outputs  # the first prediction, made before anybody waits for it
            fresh.require_contract(self.model.contract)
        except Exception as error:  # a plugin may raise anything; the old model keeps answering
            known = isinstance(error, DeclnetError)
            self.error = str(error) if known else error_summary(error)
            self._failed, self._retry = before, time.monotonic() + 60
            return False
        self.model, self.error, self._failed = fresh, None, None
        self._loaded = before
        self.reloads += 1
        return True


def load_models(
    named: Iterable[tuple[str, Path]],
    registry: Registry | None,
    notice: Callable[[str], None],
    *,
    allow_changes: bool = False,
) -> dict[str, ServedModel]:
    """Load all models; raise DeclnetError if one of them cannot be loaded."""
    models = {}
    for name, path in named:
        try:
            before = signature_of(path)
        except OSError:
            before = ()  # load_predictor says what is wrong
        model = LoadedModel(name, path, registry, notice, allow_changes=allow_changes)
        with suppress(DataError):
            _ = model.outputs
        models[name] = ServedModel(name, path, model, _loaded=before)
    return models
