"""What checks see of a run: its spec as far as it is valid, its data, its layers, its losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from declnet.caching import computed_once
from declnet.contracts.data.dataset import DataInfo
from declnet.contracts.network.directions import Better
from declnet.contracts.network.inputs import InputInfo, input_value, lengths_of, weights_of
from declnet.data.integer_limits import Limits
from declnet.data.sets import PreparedSets
from declnet.data.splits import Data
from declnet.errors import Diagnostic, KeyPath, WeightsError
from declnet.graph.initial_weights import StartingPoint, starting_point
from declnet.graph.parameters import check_fit, slots_of
from declnet.graph.shapes import Inferred, Node, infer, input_limits
from declnet.graph.weight_files import read_weight_shapes
from declnet.registry.registry import Registry
from declnet.spec.heads import PartialHead
from declnet.spec.model import InitialWeights
from declnet.spec.partial import PartialSpec
from declnet.spec.shown_values import from_here, hint_for_missing
from declnet.training.checks.description import Described, describe
from declnet.training.memory import run_memory
from declnet.training.metrics import history_metrics


@dataclass(frozen=True)
class CheckedHead:
    """A loss with what it compares, as far as that is known.

    Attributes:
        part: the loss as written.
        nodes: the layers up to its output; empty if that is unknown.
        infos: what is known about each data set, with its target only.
    """

    part: PartialHead
    nodes: Sequence[Node | None]
    infos: Mapping[str, DataInfo]


@dataclass(frozen=True, eq=False)
class CheckContext:
    """What checks see of a run; each part is computed when a check first needs it.

    Attributes:
        spec: the valid values of the spec.
        registry: where names are looked up.
        described: the description of the data.
        seed: the seed of the run; it counts only where more data is loaded.
        passed: data sets passed by a program in place of the spec's.
        invalid: the errors in the spec itself, with their paths as written.
        reported: what the checks so far have reported.
    """

    spec: PartialSpec
    registry: Registry
    described: Described
    seed: int = 0
    passed: Mapping[str, Data] | None = None
    invalid: Sequence[Diagnostic] = ()
    reported: list[Diagnostic] = field(default_factory=list)

    def has_error(self, path: KeyPath = (), code: str | None = None) -> bool:
        """Return whether an error at a path or below has been reported."""
        return any(
            problem.severity == "error"
            and problem.path[: len(path)] == path
            and code in (None, problem.code)
            for problem in (*self.invalid, *self.reported)
        )

    def origin_of(self, data_set: str) -> KeyPath:
        """Return the key that determines a data set: the path of its source, or of train's."""
        return self.spec.data.origin_of(data_set if data_set in self.spec.data.sources else "train")

    @property
    def infos(self) -> Mapping[str, DataInfo]:
        """What is known about each data set."""
        return self.described.infos

    @property
    def train(self) -> DataInfo | None:
        """What is known about the training data."""
        return self.infos.get("train")

    @cached_property
    def inferred(self) -> Inferred:
        """The model's layers, which most points of a sweep share."""
        layers, outputs, inputs = self.spec.layers, self.spec.outputs, self._inputs()
        key = ("inferred", [vars(layer) for layer in layers], inputs, outputs)
        infer_layers = partial(infer, layers, inputs, self.registry, outputs)
        return computed_once((self.registry,), key, infer_layers)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The layers with their shapes; empty unless all are known."""
        return self.inferred.complete

    def _inputs(self) -> Mapping[str, InputInfo | None] | None:
        """Return the model's inputs; None for what is unknown as the data is invalid."""
        named = self.spec.data.inputs
        known = self.train.inputs if self.train is not None else {}
        if named is not None and not set(known).issuperset(named):
            lengths = InputInfo((), "integer", optional=True)
            known = {lengths_of(name): lengths for name in named}
            layers = [part.layer for part in self.spec.layers if part.layer is not None]
            read = {value for layer in layers for value in layer.inputs or ()}
            weights = [name for name in map(weights_of, named) if input_value(name) in read]
            return dict.fromkeys([*named, *weights]) | known
        return known or None

    @cached_property
    def outputs(self) -> dict[str, int]:
        """The indices of the known outputs of the model by name."""
        indices = {name: index for index, name in enumerate(self.inferred.names)}
        if self.spec.outputs is None:
            return dict(list(indices.items())[-1:])
        return {name: indices[name] for name in self.spec.outputs if name in indices}

    @cached_property
    def heads(self) -> list[CheckedHead]:
        """The losses with their outputs and targets."""
        return [
            CheckedHead(head, self._nodes_of(head), self._infos_of(head))
            for head in self.spec.heads
        ]

    def _nodes_of(self, head: PartialHead) -> Sequence[Node | None]:
        """Return the layers up to the output that a loss takes."""
        index = self.outputs.get(head.output)
        if not head.name:
            index = next(iter(self.outputs.values())) if len(self.outputs) == 1 else None
        return self.inferred.nodes[: index + 1] if index is not None else ()

    def _infos_of(self, head: PartialHead) -> Mapping[str, DataInfo]:
        """Return the descriptions of the data sets that have the target of a loss."""
        targets = {name: head.target_among(info.targets) for name, info in self.infos.items()}
        return {
            name: self.infos[name].for_target(target)
            for name, target in targets.items()
            if target is not None
        }

    @cached_property
    def limits(self) -> Limits:
        """The integers that layers take from inputs that hold integers."""
        errors = any(problem.severity == "error" for problem in self.described.problems)
        if self.train is None or errors:
            return {}
        floats = {name for name, info in self.train.inputs.items() if info.dtype == "float"}
        only_integers = {
            name
            for node in self.nodes
            if not (node.reads_of("float") or any(node.inputs))
            for name in node.reads_of("integer")
        }
        unsuited = floats & only_integers
        limits = input_limits(self.nodes)
        return {name: limit for name, limit in limits.items() if name not in unsuited}

    @cached_property
    def loaded(self) -> Described:
        """The description, with the data if layers limit the integers that they take."""
        if self.described.sets is not None or not self.limits:
            return self.described
        loaded = describe(self.spec, self.seed, self.passed, loads_arrays=True)
        problems = loaded.problems if loaded.sets is None else self.described.problems
        return replace(self.described, sets=loaded.sets, problems=problems)

    @property
    def sets(self) -> PreparedSets | None:
        """The prepared data, if it was loaded."""
        return self.loaded.sets

    @property
    def is_validated(self) -> bool | None:
        """Whether the run has validation data; None if the data is invalid."""
        if self.has_error(("data",)):
            return None
        data = self.spec.data
        blocks = self.sets.blocks if self.sets is not None else {}  # a column may decide the split
        names = {*self.infos, *blocks, *data.sources, *data.fractions}
        return data.folds is not None or "validation" in names

    @property
    def metrics(self) -> Mapping[str, Better | None]:
        """The metrics in a row of the history; empty if data or metrics are invalid."""
        is_validated = self.is_validated
        paths = [head.metrics_path for head in self.spec.heads]
        if is_validated is None or any(map(self.has_error, paths)):
            return {}
        return history_metrics(self.spec.heads, is_validated)

    @property
    def epochs(self) -> int | None:
        """The number of epochs as declared, or else by the number of updates, if known."""
        training, samples = self.spec.training, self.train.samples if self.train else None
        if training.epochs is None and training.max_steps is not None and samples:
            return training.started_epochs(samples)
        return training.epochs

    @cached_property
    def initial_weights(self) -> tuple[StartingPoint | None, list[Diagnostic]]:
        """What `model.initial_weights` loads if it is a part of the model, and the errors in it.

        Names and shapes are compared if all layers are known.
        """
        initial, path = self.spec.model.initial_weights, self.spec.model.weights_path
        if path is None:
            return None, []
        slots = slots_of(self.nodes)
        try:
            shapes = read_weight_shapes(path)
            if self.nodes and isinstance(initial, InitialWeights):
                return starting_point(slots, shapes, initial)
            if self.nodes:
                check_fit(slots, shapes, str(path))
        except WeightsError as error:
            key = ("path",) if isinstance(initial, InitialWeights) else ()
            at, hint = ("model", "initial_weights", *key), hint_for_missing(path)
            return None, [Diagnostic(from_here(str(error)), hint, at, "E050")]
        return None, []

    @cached_property
    def memory(self) -> dict[str, int] | None:
        """The bytes that the run will hold, by purpose; None if unknown, e.g. after an error."""
        if self.has_error():
            return None
        return run_memory(self.spec, self.loaded.held, self.inferred.network, self.registry)
