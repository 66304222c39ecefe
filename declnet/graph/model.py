"""A compiled model with its parameters, to train, save, load and predict with."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from declnet.contracts.arrays import Array, MappedArray, Shape
from declnet.contracts.parameter_group import ParameterGroup
from declnet.data.loading import Samples, as_input
from declnet.errors import DataError, SpecError
from declnet.graph.inference import InferenceGraph, samples_at_once
from declnet.graph.initial_weights import load_part
from declnet.graph.parameters import Parameters, initializer_problems, read_weights
from declnet.graph.shapes import INPUT, Node, infer_nodes
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
        inputs: the names of the layer's inputs; `input` is the model's input.
    """

    name: str
    type: str
    output_shape: Shape
    parameters: int
    inputs: tuple[str, ...]


def summary_of(nodes: Sequence[Node]) -> tuple[LayerSummary, ...]:
    """Return a line for each layer."""
    names = [INPUT, *(node.name for node in nodes)]
    return tuple(
        LayerSummary(
            node.name,
            node.layer.type,
            node.output_shape,
            node.parameter_count,
            tuple(names[value] for value in node.inputs),
        )
        for node in nodes
    )


class Model:
    """A compiled model; it can be copied and pickled.

    Args:
        groups: the groups of the optimizer that will train it, by which its vector is laid out.

    Attributes:
        nodes: the layers in order, with their shapes.
        dtype: the type of its parameters and activations.
        input_shape: the shape of one sample.
        store: the parameter arrays themselves, not copies, for training and saving.
        loaded: the parameters that `build_model` loaded from `initial_weights`.
        samples_at_once: the batch size of predictions.
        takes_integers: whether the layers that read the input take integers unconverted.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        input_shape: Shape,
        dtype: npt.DTypeLike,
        groups: Sequence[ParameterGroup] = (),
    ) -> None:
        self.nodes = tuple(nodes)
        self.input_shape = tuple(input_shape)
        self.dtype = np.dtype(dtype)
        self.store = Parameters(self.nodes, self.dtype, groups)
        self.loaded: frozenset[str] = frozenset()
        self.samples_at_once = samples_at_once(self.nodes, self.dtype)
        readers = [node for node in self.nodes if 0 in node.inputs]
        self.takes_integers = all(node.layer.input_dtype == "integer" for node in readers)
        self._of_thread = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and pickles hold; each has graphs of its own."""
        return {name: value for name, value in vars(self).items() if name != "_of_thread"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy."""
        vars(self).update(state)
        self._of_thread = threading.local()

    @property
    def output_shape(self) -> Shape:
        """The shape of one prediction."""
        return self.nodes[-1].output_shape

    def predict(self, x: npt.ArrayLike) -> Array:
        """Return the output, (n, *output shape), for samples (n, *input shape); thread-safe.

        This is the last layer's output, before `Loss.predictions`. Apart from the result, memory is
        used for only `samples_at_once` samples: conversion and reading from a file go part by part.

        Raises:
            DataError: the samples do not have the model's input shape, or must be integers.
        """
        samples = x if isinstance(x, MappedArray) else np.asarray(x)
        self._require_shape(samples)
        graph = self._graph(len(samples))
        if 0 < len(samples) <= graph.capacity:  # the general path costs one sample 10 % more
            return graph.predict(self._part(samples, slice(None))).copy()
        predictions = np.empty((len(samples), *self.output_shape), self.dtype)
        self._converted(samples[:0])  # rejects wrong types even without samples
        for start in range(0, len(samples), graph.capacity):
            part = slice(start, start + graph.capacity)
            predictions[part] = graph.predict(self._part(samples, part))
        return predictions

    def as_input(self, x: Samples) -> Samples:
        """Return x in the model's type; raise DataError if its samples have another shape."""
        self._require_shape(x)
        return self._converted(x)

    def parameters(self) -> dict[str, Array]:
        """Return copies of all parameters, e.g. `dense_1.weights` of shape (inputs, units)."""
        return {key: array.copy() for key, array in self.store.arrays.items()}

    def load_parameters(self, saved: Mapping[str, Array], source: str = "weights") -> None:
        """Load saved parameters; raise WeightsError if names or shapes differ."""
        self.store.load(saved, source)

    def summary(self) -> tuple[LayerSummary, ...]:
        """Return a line for each layer."""
        return summary_of(self.nodes)

    def _require_shape(self, x: Array | MappedArray) -> None:
        if x.ndim == 0 or x.shape[1:] != self.input_shape:
            raise DataError(
                f"the model takes samples of shape {self.input_shape}, so x must have shape "
                f"{('n', *self.input_shape)}".replace("'", "")
                + f", not {x.shape}"
            )

    def _converted(self, x: Samples) -> Samples:
        return as_input(x, self.dtype, self.takes_integers)

    def _part(self, x: Array | MappedArray, part: slice) -> Array:
        """Return some samples in the model's type, for layers to read only."""
        samples: Array = self._converted(x[part])
        samples.flags.writeable = False  # a view or a copy, never the caller's own array
        return samples

    def _graph(self, samples: int) -> InferenceGraph:
        """Return this thread's graph, rebuilt if it is too small."""
        graph: InferenceGraph | None = getattr(self._of_thread, "graph", None)
        if graph is None or graph.capacity < min(samples, self.samples_at_once):
            capacity = min(max(samples, 1), self.samples_at_once)
            graph = InferenceGraph(self.nodes, self.store, self.dtype, capacity)
            self._of_thread.graph = graph
        return graph


def build_model(
    spec: ModelSpec,
    input_shape: Sequence[int],
    seed: int = 0,
    registry: Registry | None = None,
    groups: Sequence[ParameterGroup] = (),
) -> Model:
    """Compile a model and initialize its parameters.

    Args:
        spec: the section `model` of a spec.
        input_shape: the shape of one sample.
        seed: seeds the initializers' random streams.
        registry: where initializers are looked up, starting with the spec's `plugins`; default: all
            installed plugins.
        groups: the groups of the optimizer, if the model is to be trained with some.

    Raises:
        SpecError: the layers do not fit each other or the input, or a layer names an initializer
            that is not available; lists every error.
        WeightsError: `initial_weights` cannot be read, or do not match the model.
    """
    registry = (registry or default_registry()).preferring(spec.preferred)
    nodes = infer_nodes(spec.layers, tuple(input_shape), registry)
    problems = initializer_problems(nodes, registry)
    if problems:
        raise SpecError(problems)
    model = Model(nodes, tuple(input_shape), spec.dtype, groups)
    model.store.initialize(seed, registry)
    if isinstance(spec.initial_weights, InitialWeights):
        model.loaded = frozenset(load_part(model.store, spec.initial_weights).loaded)
    elif spec.initial_weights is not None:
        model.load_parameters(read_weights(spec.initial_weights), str(spec.initial_weights))
        model.loaded = frozenset(model.store.arrays)
    return model
