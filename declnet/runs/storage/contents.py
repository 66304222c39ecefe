"""The contents of a run's folder, each part read and checked on first use."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load

from declnet.contracts.arrays import Array, Shape
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.network.inputs import InputInfo, unwrapped
from declnet.data.preparing.preparation import FittedPreparation
from declnet.data.preparing.stored_preparation import restored
from declnet.errors import OutputError
from declnet.graph.weight_files import parse_weights
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.runs.behavior import BEHAVIOR_FILE
from declnet.runs.notices import Notice
from declnet.runs.storage import folder
from declnet.runs.storage.checksums import RunFiles
from declnet.runs.storage.documents import METRICS_FILE, Manifest, Metrics, parse_history
from declnet.runs.storage.folder import REMEDY, content_of, reading
from declnet.runs.storage.origins import spec_of_run
from declnet.spec.document.document import read_document
from declnet.spec.model import RunSpec


class RunContents:
    """The contents of a run's folder, finished or not.

    Attributes:
        path: the folder.
        manifest: the run's environment, data, times and outcome.
        allow_changes: whether to use components that compute something else than in the training.
    """

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        registry: Registry | None,
        notice: Notice,
        *,
        allow_changes: bool = False,
    ) -> None:
        self.path, self.manifest, self.allow_changes = path, manifest, allow_changes
        self._registry, self._notice = registry, notice

    @property
    def name(self) -> str:
        """The spec's name."""
        return self.manifest.name

    @property
    def status(self) -> str:
        """The run's status: `finished`, `failed`, `interrupted` or `running`."""
        return self.manifest.status

    @property
    def inputs(self) -> dict[str, InputInfo]:
        """What is known about each input of the model by name; `""` for one without a name."""
        return {input_.name: input_.info for input_ in self.manifest.inputs}

    @property
    def input_shape(self) -> Shape:
        """The shape of one prepared sample of the only input.

        Raises:
            OutputError: there are several inputs.
        """
        inputs = self.inputs
        if len(inputs) > 1:
            raise OutputError(f"{self.path}: the model has the inputs {', '.join(inputs)}")
        return next(iter(inputs.values())).shape

    @property
    def spec_text(self) -> str:
        """The resolved spec as TOML, as written; raises OutputError if it cannot be read."""
        with reading(self.path / folder.SPEC):
            return self._files.require(folder.SPEC).decode()

    @cached_property
    def spec_tables(self) -> dict[str, Any]:
        """The resolved spec as plain tables, which do not require plugins.

        Raises:
            OutputError: the file is missing, or changed since the run ended.
            SpecError: the file cannot be read.
        """
        self._files.require(folder.SPEC)
        return read_document(self.path / folder.SPEC).tables

    @property
    def spec(self) -> RunSpec:
        """The resolved spec, each component from the distribution used in the run.

        Raises:
            OutputError: the file is missing, or changed since the run ended.
            OriginError: a component would come from a different distribution.
            SpecError: the file cannot be read, or a component is no longer installed.
        """
        return self._spec_and_registry[0]

    @property
    def registry(self) -> Registry:
        """The registry for the run's components, as the run sees it; raises as `spec` does."""
        return self._spec_and_registry[1]

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """A row for each logged epoch, without a last line truncated by a kill.

        Raises:
            OutputError: the file cannot be read, or changed since the run ended.
        """
        content = self._files.read(folder.HISTORY) or b""
        return parse_history(content, self.path / folder.HISTORY)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file that a callback wrote into the folder; None if it is absent.

        Raises:
            OutputError: it cannot be read, or is a symbolic link.
            ValueError: the name is a path, not a file's name.
        """
        path = self.path / name
        if path.parent != self.path or not name or name == "..":
            raise ValueError(f"{name!r} is not the name of a file in the run's folder")
        return content_of(path)

    @cached_property
    def metrics(self) -> Metrics:
        """Final metrics by data set and name, numbers or None; empty if the run did not finish.

        Raises:
            OutputError: the file cannot be read, or changed since the run ended.
        """
        content = self._files.read(folder.METRICS)
        with reading(self.path / folder.METRICS):
            return METRICS_FILE.parse(content) if content is not None else {}

    @cached_property
    def synthetic_rows(self) -> Any:
        """Rows as `Predictor.predict` takes them, drawn like the training data, not copied from it.

        They are the columns of a table by name, or an array, or one for each input by name; up to
        16 rows. None: the run could not draw any.

        Raises:
            OutputError: the file cannot be read, or changed since the run ended.
        """
        content = self._files.read(folder.BEHAVIOR)
        if content is None:
            return None
        with reading(self.path / folder.BEHAVIOR):
            rows = BEHAVIOR_FILE.parse(content).rows
        return unwrapped(rows.samples(self._preparation)) if rows is not None else None

    def parameters(self) -> dict[str, Array]:
        """Return the weights saved by the run, e.g. `dense_1.weights` of shape (inputs, units).

        Raises:
            OutputError: the run saved no weights, or they changed since.
            WeightsError: the weights cannot be read.
        """
        content = self._files.read(folder.WEIGHTS)
        if content is None:
            raise OutputError(f"{self.path}: the run has no weights (it is {self.status})")
        return parse_weights(content, self.path / folder.WEIGHTS)

    @cached_property
    def _files(self) -> RunFiles:
        return RunFiles(self.path, self.manifest.files, self.status)

    @cached_property
    def _spec_and_registry(self) -> tuple[RunSpec, Registry]:
        self._files.require(folder.SPEC)
        registry = self._registry or default_registry()
        with attributing_errors(registry):
            return spec_of_run(self.path, self.manifest, registry, self._notice)

    @cached_property
    def _preparation(self) -> FittedPreparation:
        """The fitted preparation, which has no file if the run used its arrays unchanged."""
        path, content = self.path / folder.PREPARATION, self._files.read(folder.PREPARATION)
        if content is None:
            if any(not transform.training_only for transform in self.spec.data.prepare):
                raise OutputError(f"{path}: this file of the run is missing; {REMEDY}")
            return FittedPreparation.of_arrays(self.inputs)
        arrays, registry = self._files.read(folder.PREPARATION_ARRAYS), self.registry
        with reading(path):
            try:
                return restored(content, load(arrays) if arrays else {}, registry)
            except SafetensorError as error:
                raise ValueError(f"{folder.PREPARATION_ARRAYS}: {error}") from None
