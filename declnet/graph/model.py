"""A compiled model with its parameters, to train, save, load and predict with."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from declnet.caching import computed_once
from declnet.contracts.arrays import Array, MappedArray, Shape, read_only
from declnet.contracts.network.inputs import (
    UNNAMED,
    InputInfo,
    Inputs,
    as_input_infos,
    input_value,
    sample_count,
    wrapped,
)
from declnet.contracts.network.parameter_group import ParameterGroup
from declnet.data.integer_limits import require_within
from declnet.data.sources.loading import as_input
from declnet.errors import DataError, SampleName, SpecError
from declnet.graph.inference import BLOCK, InferenceGraph, inference_memory, samples_at_once
from declnet.graph.initial_weights import load_part
from declnet.graph.parameters import Parameters, check_fit, initializer_problems, slots_of, view
from declnet.graph.shapes import Network, Node, infer_network, input_limits
from declnet.graph.weight_files import read_weights
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.spec.model import InitialWeights, ModelSpec


@dataclass(frozen=True)
class LayerSummary:
    """A line of a model's summary.

    Attributes:
        name: the layer's name, as used in other layers' `inputs`.
        type: the layer's type.
        output_shape: the shape of its output for one sample.
        parameters: the number of parameters, trainable or not.
        inputs: the names of the layer's inputs; `input`, or `input.NAME` for one of several, is
            the model's.
    """

    name: str
    type: str
    output_shape: Shape
    parameters: int
    inputs: tuple[str, ...]


def summary_of(nodes: Sequence[Node]) -> tuple[LayerSummary, ...]:
    """Return a line for each layer."""
    return tuple(
        LayerSummary(
            node.name,
            node.layer.type,
            node.output_shape,
            node.parameter_count,
            tuple(
                nodes[value - 1].name if read is None else input_value(read)
                for value, read in zip(node.inputs, node.reads, strict=True)
            ),
        )
        for node in nodes
    )


class Model:
    """A compiled model; it can be copied and pickled.

    Args:
        groups: the groups of the optimizer that will train it, by which its vector is laid out.

    Attributes:
        network: the layers with their shapes, which other models may share.
        nodes: the layers in order.
        dtype: the type of its parameters and activations.
        inputs: a description of each input, by name; a single input may have no name, `""`.
        unread: the optional inputs that no layer reads, which are left out of all samples.
        outputs: the layers that are outputs, by name.
        store: the parameter arrays themselves, not copies, for training and saving.
        loaded: the parameters that `build_model` loaded from `initial_weights`.
        samples_at_once: the batch size of predictions.
        integer_inputs: the inputs that the layers take as integers, unconverted.
        independent_rows: whether a sample's prediction has the same bits whatever samples are
            predicted with it, which takes longer for a few.
    """

    def __init__(
        self,
        network: Network,
        dtype: npt.DTypeLike,
        groups: Sequence[ParameterGroup] = (),
    ) -> None:
        self.network, self.nodes = network, network.nodes
        read = {name for node in self.nodes for name in node.reads}
        inputs = network.inputs.items()
        self.unread = {name: info for name, info in inputs if info.optional and name not in read}
        self.inputs = {name: info for name, info in inputs if name not in self.unread}
        self.outputs = {self.nodes[index].name: self.nodes[index] for index in network.outputs}
        self.dtype = np.dtype(dtype)
        self.store = Parameters(self.nodes, self.dtype, groups)
        self.loaded: frozenset[str] = frozenset()
        self.samples_at_once = samples_at_once(network, self.dtype)
        floats = {read for node in self.nodes for read in node.reads_of("float")}
        self.integer_inputs = frozenset(self.inputs) - floats
        self._only = next(iter(self.inputs)) if len(self.inputs) == 1 else None
        self.independent_rows = False
        self._limits = input_limits(self.nodes)
        self._of_thread = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and pickles hold; each builds its own graphs."""
        return {name: value for name, value in vars(self).items() if name != "_of_thread"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy."""
        vars(self).update(state)
        self._of_thread = threading.local()

    @property
    def input_shape(self) -> Shape:
        """The shape of one sample of the only input; raises ValueError if there are several."""
        if self._only is None:
            raise ValueError(f"the model has the inputs {_listed(self.inputs)}: see Model.inputs")
        return self.inputs[self._only].shape

    @property
    def sample_size(self) -> int:
        """How many numbers a sample has, in all inputs together."""
        return sum(prod(input_.shape) for input_ in self.inputs.values())

    @property
    def output_shape(self) -> Shape:
        """The shape of one prediction; raises ValueError if there are several outputs."""
        return self.output().output_shape

    def output(self, name: str = "") -> Node:
        """Return an output by its name; without one, the only output.

        Raises:
            ValueError: there is no such output, or there are several.
        """
        if not name and len(self.outputs) == 1:
            return next(iter(self.outputs.values()))
        if name not in self.outputs:
            raise ValueError(f"the model has the outputs {_listed(self.outputs)}")
        return self.outputs[name]

    def predict(self, x: npt.ArrayLike | Mapping[str, npt.ArrayLike]) -> Any:
        """Return the output, (n, *output shape), for samples (n, *input shape); thread-safe.

        This is the layer's output, before `Loss.predictions`; several outputs are returned by name.
        Apart from the result, memory is used for only `samples_at_once` samples: conversion and
        reading from a file go part by part.

        Args:
            x: the samples; for several inputs, or one with a name, an array for each by name.

        Raises:
            DataError: the samples do not have the model's input shape, must be integers, or are
                integers that a layer cannot take.
        """
        outputs = self._computed(wrapped(x))
        return dict(zip(self.outputs, outputs, strict=True)) if len(outputs) > 1 else outputs[0]

    def compute(self, x: Inputs) -> dict[str, Array]:
        """Return each output by name for the inputs by name; otherwise the same as `predict`."""
        return dict(zip(self.outputs, self._computed(x), strict=True))

    def _computed(self, x: Inputs) -> list[Array]:
        samples = self.match_inputs(x)
        if self._limits:
            require_within(samples, self._limits, lambda at: SampleName(f"sample {at}"))
        count = sample_count(samples)
        graph = self._graph(max(count, BLOCK) if self.independent_rows else count)
        predict = graph.predict_independently if self.independent_rows else graph.predict
        if 0 < count <= graph.capacity:  # the general path costs one sample 10 % more
            return [y_pred.copy() for y_pred in predict(self._part(samples, slice(None)))]
        shapes = [node.output_shape for node in self.outputs.values()]
        results = [np.empty((count, *shape), self.dtype) for shape in shapes]
        self._part(samples, slice(0))  # rejects wrong types even without samples
        for start in range(0, count, graph.capacity):
            part = slice(start, start + graph.capacity)
            y_preds = predict(self._part(samples, part))
            for array, y_pred in zip(results, y_preds, strict=True):
                array[part] = y_pred
        return results

    def as_input(self, x: Inputs) -> Inputs:
        """Return the inputs in the model's types; raise DataError if they do not fit the model."""
        return {
            name: as_input(array, self.dtype, name in self.integer_inputs, name or "x")
            for name, array in self.match_inputs(x).items()
        }

    def parameters(self) -> dict[str, Array]:
        """Return copies of all parameters, e.g. `dense_1.weights` of shape (inputs, units)."""
        return {key: array.copy() for key, array in self.store.arrays.items()}

    def load_parameters(self, saved: Mapping[str, Array], source: str = "weights") -> None:
        """Load saved parameters; raise WeightsError if names or shapes differ."""
        self.store.load(saved, source)

    def memory(self, samples: int) -> int:
        """Return the bytes that predictions for so many samples at a time take."""
        return inference_memory(self.network, self.dtype, samples)

    def vector(self) -> Array:
        """Return a read-only view of the parameters that are trained at some time, flat."""
        return read_only(self.store.vector)

    def to_vector(self, parameters: Mapping[str, Array]) -> Array:
        """Return the trained ones of saved parameters as a new array like `vector`.

        Raises:
            WeightsError: they do not match the model.
        """
        slots = self.store.slots
        check_fit(slots, {key: array.shape for key, array in parameters.items()}, "to_vector")
        vector = np.empty_like(self.store.vector)
        for slot in slots:
            if slot.is_trained():
                view(vector, slot)[...] = parameters[slot.key]
        return vector

    def from_vector(self, vector: Array) -> dict[str, Array]:
        """Return copies of all parameters by name, the trained ones from an array like `vector`."""
        trained = {slot.key: view(vector, slot) for slot in self.store.slots if slot.is_trained()}
        return {key: trained.get(key, array).copy() for key, array in self.store.arrays.items()}

    def summary(self) -> tuple[LayerSummary, ...]:
        """Return a line for each layer."""
        return summary_of(self.nodes)

    def _repr_html_(self) -> str:
        from declnet.display.html import view
        from declnet.graph.display import layers_table

        return view(layers_table(self.nodes, self.inputs))

    def match_inputs(self, x: Inputs) -> Inputs:
        """Return arrays for all inputs, in the inputs' order.

        Args:
            x: an array for each input; one without a name is the only input, whatever its name.

        Raises:
            DataError: inputs are missing or unknown, or samples have another shape or number.
        """
        if x.keys() != self.inputs.keys():
            x = self._renamed(x)
        arrays = {}
        for name, info in self.inputs.items():
            array = x[name]
            if not isinstance(array, MappedArray):
                array = np.asarray(array)
            if array.ndim == 0 or array.shape[1:] != info.shape:
                raise self._wrong_shape(array, name)
            arrays[name] = array
        if self._only is None:
            (one, first), *others = {len(samples): name for name, samples in arrays.items()}.items()
            for two, second in others:
                raise DataError(f'"{first}" has {one} samples, but "{second}" has {two}')
        return arrays

    def _renamed(self, x: Inputs) -> Inputs:
        """Return the inputs without those that no layer reads, the only one by its name."""
        if x.keys() == {UNNAMED}:
            if self._only is None:
                raise DataError(
                    f"the model has the inputs {_listed(self.inputs)}: give an array for each, by "
                    "name"
                )
            return {self._only: x[UNNAMED]}
        x = {name: array for name, array in x.items() if name not in self.unread}
        if x.keys() != self.inputs.keys():
            raise DataError(
                f"the model has the inputs {_listed(self.inputs)}, but x has {_listed(x)}"
            )
        return x

    def _wrong_shape(self, x: Array | MappedArray, name: str) -> DataError:
        shape = self.inputs[name].shape
        called = f'"{name}"' if name else "x"
        named = f' of the input "{name}"' if name else ""
        return DataError(
            f"the model takes samples{named} of shape {shape}, so {called} must have shape "
            f"{('n', *shape)}".replace("'", "")
            + f", not {x.shape}"
        )

    def _part(self, x: Inputs, part: slice) -> dict[str, Array]:
        """Return some samples in the model's types, for layers to read only."""
        locked = {}
        for name, array in x.items():
            integer = name in self.integer_inputs
            samples = as_input(array[part], self.dtype, integer, name or "x")
            samples.flags.writeable = False  # a view or a copy, never the caller's own array
            locked[name] = samples
        return locked

    def _graph(self, samples: int) -> InferenceGraph:
        """Return this thread's graph, rebuilt if it is too small."""
        graph: InferenceGraph | None = getattr(self._of_thread, "graph", None)
        if graph is None or graph.capacity < min(samples, self.samples_at_once):
            capacity = min(max(samples, 1), self.samples_at_once)
            graph = InferenceGraph(self.network, self.store, capacity)
            self._of_thread.graph = graph
        return graph


def _listed(names: Iterable[str]) -> str:
    """Return names in a message; a name may be missing."""
    return ", ".join(name or "(without a name)" for name in names)


def build_model(
    spec: ModelSpec,
    input_shape: Sequence[int] | Mapping[str, InputInfo],
    seed: int = 0,
    registry: Registry | None = None,
    groups: Sequence[ParameterGroup] = (),
    parameters: Mapping[str, Array] | None = None,
) -> Model:
    """Compile a model and initialize its parameters.

    Args:
        spec: the section `model` of a spec.
        input_shape: the shape of one sample; for several inputs, or to say more than a shape, an
            `InputInfo` for each by name (`""` for a single input without a name).
        seed: seeds the initializers' random streams.
        registry: where initializers are looked up, starting with the spec's `plugins`; default: all
            installed plugins.
        groups: the groups of the optimizer, if it has any.
        parameters: all parameters by name, in place of initial ones; their shapes are checked
            before anything is allocated.

    Raises:
        SpecError: the layers do not fit each other or the input, or a layer names an initializer
            that is not available; lists every error.
        WeightsError: `initial_weights` cannot be read, or they or `parameters` do not match the
            model.
    """
    registry = registry or default_registry()
    network = network_of(spec, as_input_infos(input_shape), registry)
    if parameters is None:
        return initialized_model(network, spec, seed, registry, groups)
    shapes = {name: array.shape for name, array in parameters.items()}
    check_fit(slots_of(network.nodes), shapes, "the file")
    model = Model(network, spec.dtype, groups)
    model.load_parameters(parameters, "the file")
    return model


def network_of(spec: ModelSpec, inputs: Mapping[str, InputInfo], registry: Registry) -> Network:
    """Infer the shapes of a model that no check has inferred; runs that share data do so once.

    Raises:
        SpecError: as for `build_model`.
    """
    registry = registry.preferring(spec.preferred)

    def infer() -> Network:
        network = infer_network(spec.layers, inputs, registry, spec.outputs)
        problems = initializer_problems(network.nodes, registry)
        if problems:
            raise SpecError(problems)
        return network

    key = "network", spec.layers, spec.outputs, inputs
    return computed_once((registry,), key, infer)


def initialized_model(
    network: Network,
    spec: ModelSpec,
    seed: int,
    registry: Registry,
    groups: Sequence[ParameterGroup] = (),
) -> Model:
    """Allocate a model and initialize its parameters; raise WeightsError as `build_model` does."""
    model = Model(network, spec.dtype, groups)
    model.store.initialize(seed, registry.preferring(spec.preferred))
    if isinstance(spec.initial_weights, InitialWeights):
        model.loaded = frozenset(load_part(model.store, spec.initial_weights).loaded)
    elif spec.initial_weights is not None:
        model.load_parameters(read_weights(spec.initial_weights), str(spec.initial_weights))
        model.loaded = frozenset(model.store.arrays)
    return model
