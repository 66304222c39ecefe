"""A work: a network, its data and its learning rate, as data."""

from collections import Counter
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, Self

from works.layers import LAYERS, Dense, Layer, Shape

# Adam, for every work; epsilon is added outside the root of the corrected second moment.
BETA_1 = 0.9
BETA_2 = 0.999
EPSILON = 1e-7


@dataclass(frozen=True)
class Work:
    """One training job: a loss on top of `layers`, trained by Adam.

    Attributes:
        name: the name in tables and on the command line.
        network: a short description of the layers.
        sample_shape: shape of one sample; images are (channels, height, width).
        layers: the layers; the units of the last one are the classes, or the predicted values.
        data: how samples are made.
        samples: number of samples, a multiple of the batch size.
        batch: samples per step.
        learning_rate: Adam's learning rate.
        short_steps: length of the short run, a whole number of epochs. Losses are compared at its
            end. Adam's first steps amplify rounding, so with a higher rate or a longer run the
            losses would diverge.
        quick_steps: the same for `--quick`.
        validated: whether the loss over a quarter of the samples is computed after every epoch, as
            for early stopping, and the weights of the best epoch are kept and restored at the end.
        loss: the loss; cross-entropy includes softmax.
        shuffled: whether each epoch shuffles its samples and gathers them as one mini-batch of all,
            whose loss does not depend on their order.
        dtype: the type of samples, weights and arithmetic.
    """

    name: str
    network: str
    sample_shape: Shape
    layers: tuple[Layer, ...]
    data: Literal["spiral", "linear", "tokens", "exponentials"]
    samples: int
    batch: int
    learning_rate: float
    short_steps: int
    quick_steps: int
    validated: bool = False
    loss: Literal["categorical_crossentropy", "mean_squared_error"] = "categorical_crossentropy"
    shuffled: bool = False
    dtype: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        assert self.full_batch or not self.shuffled

    @cached_property
    def named_layers(self) -> tuple[tuple[str, Layer], ...]:
        """Return each layer with its type and its count: `dense_1`, `relu_1`, `dense_2`, …"""
        counts: Counter[str] = Counter()
        named = []
        for layer in self.layers:
            counts[layer.kind] += 1
            named.append((f"{layer.kind}_{counts[layer.kind]}", layer))
        return tuple(named)

    @property
    def dense(self) -> tuple[Dense, ...]:
        """Return the dense layers, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Dense))

    @property
    def penalties(self) -> dict[str, float]:
        """Return the L2 strengths of the layers that have one, by layer name."""
        return {
            name: layer.l2
            for name, layer in self.named_layers
            if isinstance(layer, Dense) and layer.l2
        }

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Return the shapes of a sample before each layer, and after the last."""
        shapes = [self.sample_shape]
        for layer in self.layers:
            shapes.append(layer.output_shape(shapes[-1]))
        return tuple(shapes)

    @property
    def kinds(self) -> set[str]:
        """Return the kinds of its layers, its loss, its type, and what else a peer may lack."""
        kinds = {layer.kind for layer in self.layers} | {self.loss, self.dtype}
        if self.validated:
            kinds.add("validation")
        if self.shuffled:
            kinds.add("shuffling")
        return kinds

    @property
    def classifies(self) -> bool:
        """Return whether it predicts classes, not values."""
        return self.loss == "categorical_crossentropy"

    @property
    def classes(self) -> int:
        """Return the number of classes; labels go from 0 to classes - 1."""
        return self.dense[-1].units

    @property
    def steps_per_epoch(self) -> int:
        """Return the number of batches in an epoch."""
        return self.samples // self.batch

    @property
    def full_batch(self) -> bool:
        """Return whether each step uses all samples."""
        return self.batch == self.samples

    @property
    def title(self) -> str:
        """Return the work in one line, for people."""
        more = ", validated after every epoch" if self.validated else ""
        more += ", shuffled every epoch" if self.shuffled else ""
        more += f", {self.dtype}" if self.dtype != "float32" else ""
        return f"{self.name}: {self.network}, batch {self.batch} of {self.samples}{more}"

    def to_record(self) -> dict[str, Any]:
        """Return the work as JSON values."""
        layers = [{"kind": layer.kind, **asdict(layer)} for layer in self.layers]
        return {**asdict(self), "layers": layers}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """Return the work that `to_record` converted."""
        layers = []
        for layer in record["layers"]:
            fields = dict(layer)
            layers.append(LAYERS[fields.pop("kind")](**fields))
        shape = tuple(record["sample_shape"])
        return cls(**{**record, "layers": tuple(layers), "sample_shape": shape})
