"""Suspicions about layers in training, from their statistics over logged epochs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Any, Self

import numpy as np

from declnet import Array

SETTLED = 20
"""Updates after which layers are judged: the first updates are large, as optimizers warm up."""

PATIENCE = 3
"""Consecutive logged epochs in which something must look wrong."""

LARGE_UPDATE = 0.1
"""Update of a layer, relative to its parameters, from which the learning rate is too high. In
healthy trainings it is 0.001 to 0.03."""

WORSE = 2.0
"""Loss, relative to the first logged one, from which the learning rate is too high."""

DEAD = 0.9
"""Share of dead units from which a layer is called dead. Up to two thirds are common."""

SATURATED = 0.5
"""Share of saturated outputs from which a hidden layer is called saturated."""

VANISHED = 1e-5
"""Gradient of a layer relative to the largest of all layers, both relative to the parameters."""

EXPLODED = 100.0
"""Gradient of a layer relative to its parameters. In healthy trainings it is below 3."""

UNSCALED = 30.0
"""Root mean square of an input feature from which inputs are called unscaled."""

SMALL = 3.0
"""Mean and deviation of the first layer's outputs up to which unscaled inputs do no harm."""


RATE = "rate"
"""The key of a learning rate that is too high, which explains all others."""


COLUMNS = ("mean", "deviation", "zeros", "saturated", "dead", "gradient", "update")
"""The columns of `LayerStatistics.cells`."""


@dataclass(slots=True)
class LayerStatistics:
    """A layer in one step; see `Watch` for the meaning of each value.

    Attributes:
        saturated: None unless the layer's outputs are bounded on both sides.
        parameters: ‖w‖² of its trainable parameters; None if it has none.
        gradients: ‖dw‖².
        updates: ‖Δw‖².
    """

    mean: float
    deviation: float
    zeros: float
    dead: float
    saturated: float | None = None
    parameters: float | None = None
    gradients: float = 0.0
    updates: float = 0.0

    @property
    def gradient(self) -> float | None:
        """The gradient's norm relative to the parameters'; None without parameters."""
        return self._relative(self.gradients)

    @property
    def update(self) -> float | None:
        """The update's norm relative to the parameters'; None without parameters."""
        return self._relative(self.updates)

    def cells(self) -> str:
        """Return the values as cells of a CSV file, with 6 significant digits."""
        saturated = "" if self.saturated is None else f"{self.saturated:.6g}"
        line = f"{self.mean:.6g},{self.deviation:.6g},{self.zeros:.6g},{saturated},{self.dead:.6g},"
        return line + ("," if self.parameters is None else f"{self.gradient:.6g},{self.update:.6g}")

    def _relative(self, squares: float) -> float | None:
        if self.parameters is None:
            return None
        return sqrt(squares / self.parameters) if self.parameters > 0 else sqrt(squares)


class Suspicions:
    """The suspicious observations in consecutive logged epochs, and the warnings given.

    Attributes:
        knows_inputs: whether the inputs have been looked at.
    """

    def __init__(
        self,
        streaks: Mapping[str, int] | None = None,
        said: Sequence[str] = (),
        first_loss: float | None = None,
        *,
        knows_inputs: bool = False,
    ) -> None:
        self._streaks, self._warned = dict(streaks or {}), list(said)
        self._first_loss, self.knows_inputs = first_loss, knows_inputs
        self._unscaled: float | None = None

    def saved(self) -> dict[str, Any]:
        """Return what `restored` needs."""
        return {
            "streaks": self._streaks,
            "said": self._warned,
            "first_loss": self._first_loss,
            "knows_inputs": self.knows_inputs,
        }

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Self:
        """Restore the suspicions from a checkpoint."""
        return cls(**saved)

    def see_inputs(self, x: Array | Mapping[str, Array]) -> None:
        """Look at a batch of inputs, (n, *shape), or of several by name."""
        self.knows_inputs = True
        arrays = [
            array
            for array in (x.values() if isinstance(x, Mapping) else (x,))
            if np.issubdtype(array.dtype, np.floating)
        ]
        if arrays:
            largest = max(np.sqrt(np.mean(np.square(array), axis=0).max()) for array in arrays)
            self._unscaled = float(largest) if largest >= UNSCALED else None

    def see_first_layer(self, output: LayerStatistics) -> None:
        """Look at the first layer in the same step: one that normalizes makes up for its inputs."""
        if abs(output.mean) <= SMALL and output.deviation <= SMALL:
            self._unscaled = None

    def after(
        self, layers: Mapping[str, LayerStatistics], step: int, rate: float, loss: float
    ) -> Iterator[str]:
        """Yield a warning for what is newly suspicious after a logged epoch.

        Args:
            layers: the layers in order.
            step: updates made.
            rate: the learning rate of the last one.
            loss: the epoch's training loss.
        """
        if self._first_loss is None:
            self._first_loss = loss
        if self._unscaled is not None:
            yield (
                "the inputs are not scaled: a feature has a root mean square of "
                f'{self._unscaled:.3g}; add "standardize" to data.prepare'
            )
            self._unscaled = None
        warnings: dict[str, str] = {}
        if step >= SETTLED and self._is_suspicious(layers, rate, loss):
            warnings = dict(self._suspicious(layers, rate, loss))
        self._streaks = {key: self._streaks.get(key, 0) + 1 for key in warnings}
        for key, warning in warnings.items():
            if self._streaks[key] >= PATIENCE and key not in self._warned:
                self._warned.append(key)
                yield warning

    def _is_suspicious(
        self, layers: Mapping[str, LayerStatistics], rate: float, loss: float
    ) -> bool:
        """Return whether anything may look wrong, by one cheap pass over the layers."""
        least, most = inf, 0.0
        for layer in layers.values():
            if layer.dead >= DEAD or (layer.saturated or 0.0) >= SATURATED:
                return True
            w = layer.parameters
            if w is not None:
                dw = layer.gradients
                if not (w and dw) or layer.updates >= LARGE_UPDATE**2 * w:
                    return True
                if not layer.updates and rate > 0:
                    return True
                least, most = min(least, dw / w), max(most, dw / w)
        flows = most < EXPLODED**2 and least >= VANISHED**2 * most
        return not flows or loss > WORSE * (self._first_loss or loss)

    def _suspicious(
        self, layers: Mapping[str, LayerStatistics], rate: float, loss: float
    ) -> Iterator[tuple[str, str]]:
        """Yield what looks wrong now, a key and the warning; no effects of a known cause."""
        learning = {name: layer for name, layer in layers.items() if layer.parameters is not None}
        zero = [name for name, layer in learning.items() if not layer.parameters]
        if zero:
            yield (
                "zero",
                f"all parameters of {_names(zero)} are 0, so no earlier layer can learn; "
                "use a random weight_initializer",
            )
            return
        high = self._high_rate(layers, loss)
        if high is not None or RATE in self._warned:  # anything else is an effect of it
            if high is not None:
                yield RATE, f"the learning rate is too high: {high}; divide learning_rate by 10"
            return
        hidden = _before_the_last(layers, learning)
        yield from _units(layers, hidden)
        dead = any(layers[name].dead >= DEAD for name in hidden)
        silent = [name for name, layer in learning.items() if not layer.gradients]
        if silent and len(silent) < len(learning) and not dead:
            yield (
                "silent",
                f"no learning in {_names(silent)}: every gradient is 0; check whether the next "
                "layers pass gradients back",
            )
        still = [name for name, layer in learning.items() if layer.gradients and not layer.updates]
        if still and rate > 0:
            yield (
                "still",
                f"no learning in {_names(still)}: no update changes a parameter, although there "
                "are gradients; use a higher learning_rate or another optimizer",
            )
        saturated = any((layers[name].saturated or 0.0) >= SATURATED for name in hidden)
        yield from _flow(learning, known=dead or saturated)

    def _high_rate(self, layers: Mapping[str, LayerStatistics], loss: float) -> str | None:
        """Return why the learning rate is too high; None if it does not look so."""
        name = max(layers, key=lambda layer: layers[layer].update or 0.0)
        update = layers[name].update or 0.0
        if update >= LARGE_UPDATE:
            return f'an update changes the parameters of "{name}" by {update:.0%}'
        if self._first_loss is not None and loss > WORSE * self._first_loss > 0:
            return f"the loss rose from {self._first_loss:.3g} to {loss:.3g}"
        return None


def _units(
    layers: Mapping[str, LayerStatistics], hidden: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield the first hidden layer whose units are dead, and the first that is saturated."""
    dead = next((name for name in hidden if layers[name].dead >= DEAD), None)
    if dead is not None:
        yield (
            "dead",
            f'{layers[dead].dead:.0%} of the units of "{dead}" are dead (0 for every sample); use '
            "leaky_relu, a lower learning_rate, or biases that start at 0",
        )
    saturated = {name: share for name in hidden if (share := layers[name].saturated or 0.0)}
    first = next((name for name, share in saturated.items() if share >= SATURATED), None)
    if first is not None:
        yield (
            "saturated",
            f'{saturated[first]:.0%} of the outputs of "{first}" are saturated, so their gradient '
            "is nearly 0; scale the inputs, or start from smaller weights",
        )


def _flow(learning: Mapping[str, LayerStatistics], *, known: bool) -> Iterator[tuple[str, str]]:
    """Yield gradients that vanish or explode; the former not if another cause is known."""
    sizes = {name: layer.gradient or 0.0 for name, layer in learning.items() if layer.gradients}
    if not sizes:
        return
    least, most = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    if sizes[most] >= EXPLODED:
        yield (
            "exploded",
            f'the gradient of "{most}" is {sizes[most]:.3g} times as large as its parameters; set '
            "training.clip_norm = 1.0, or normalize with layer_norm",
        )
    elif sizes[least] < VANISHED * sizes[most] and not known:
        yield (
            "vanished",
            f'the gradient of "{least}" nearly vanishes: relative to the parameters, it is '
            f'{sizes[least] / sizes[most]:.1g} times the gradient of "{most}"; use relu, '
            "batch_norm or a residual connection",
        )


def _before_the_last(
    layers: Mapping[str, LayerStatistics], learning: Mapping[str, LayerStatistics]
) -> list[str]:
    """Return the layers before the last one with parameters: hidden layers."""
    names = list(layers)
    last = max((names.index(name) for name in learning), default=0)
    return names[:last]


def _names(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
