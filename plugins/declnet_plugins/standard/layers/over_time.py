"""Layers that make one vector of a sequence: its last step, its mean, its maximum."""

import numpy as np

from declnet import Array, Arrays, Gradients, LayerState, Shape, Workspace
from declnet_plugins.standard.layers.sequences import SequenceLayer, fill_padding, steps


class _SharesOverTime(SequenceLayer):
    """y = the sum over t of share[t] * x[t]; dx[t] = share[t] * dy."""

    backward_needs = frozenset()
    is_linear = True

    def output_shape(self, input_shape: tuple[Shape, ...]) -> Shape:
        """Return (features,)."""
        return self.sequence_shape(input_shape)[1:]

    def workspace(self, input_shape: tuple[Shape, ...]) -> dict[str, Workspace]:
        """Return space for the share of each step, and for whether it is padding."""
        time = input_shape[0][:1]
        return {"share": Workspace(time), "padding": Workspace(time, dtype=bool)}

    def forward(self, x: Arrays, y: Array, state: LayerState) -> None:
        """y = share @ x."""
        state.padding.fill(False)
        if len(x) > 1:
            fill_padding(x[1], state.padding)
        self._fill(state.share, state.padding)
        np.matmul(state.share[:, None], x[0], out=y[:, None])

    def _fill(self, share: Array, padding: Array) -> None:
        raise NotImplementedError

    def backward(self, x: None, y: None, dy: Array, dx: Gradients, state: LayerState) -> None:
        """dx[t] = share[t] * dy."""
        if dx[0] is not None:
            np.multiply(state.share[:, :, None], dy[:, None], out=dx[0])


class LastStep(_SharesOverTime):
    """y = x[length - 1], the last step of each sequence; 0 if there is none.

    x: sequences (n, time, features) and, as an optional second input, their lengths (n,); without
    lengths, the last step is x[time - 1]. y: (n, features). dx[t] = dy at the last step, 0
    elsewhere.
    """

    type = "last_step"
    examples = ({}, {"inputs": ["lstm_1", "input.lengths"]})

    def _fill(self, share: Array, padding: Array) -> None:
        """share[t] = 1 where step t is not padding, but the next one is, or there is none."""
        np.subtract(padding[:, 1:], padding[:, :-1], out=share[:, :-1], dtype=share.dtype)
        np.subtract(1, padding[:, -1], out=share[:, -1], dtype=share.dtype)


class MeanOverTime(_SharesOverTime):
    """y = the mean of x[t] over the steps t < length; 0 if there are none.

    x: sequences (n, time, features) and, as an optional second input, their lengths (n,); without
    lengths, the mean is over all steps. y: (n, features). dx[t] = dy / length, 0 at padding.

    Keras's `GlobalAveragePooling1D`, with its mask.
    """

    type = "mean_over_time"
    examples = ({}, {"inputs": ["embedding_1", "input.lengths"]})

    def _fill(self, share: Array, padding: Array) -> None:
        """share[t] = 1 / length at the sequence's own steps, 0 at padding."""
        np.subtract(1, padding, out=share, dtype=share.dtype)
        np.divide(share, np.maximum(share.sum(axis=1, keepdims=True), 1), out=share)


class MaxOverTime(SequenceLayer):
    """y = the maximum of x[t] over the steps t < length, for each feature; 0 if there are none.

    x: sequences (n, time, features) and, as an optional second input, their lengths (n,); without
    lengths, the maximum is over all steps. y: (n, features). dx[t] = dy where step t is the first
    with the maximum, 0 elsewhere.

    Keras's `GlobalMaxPooling1D`, which does not leave out masked steps. Source: Collobert et al.,
    "Natural Language Processing (Almost) from Scratch", JMLR 2011.
    """

    type = "max_over_time"
    examples = ({}, {"inputs": ["conv1d_1", "input.lengths"]})
    backward_needs = frozenset()

    def output_shape(self, input_shape: tuple[Shape, ...]) -> Shape:
        """Return (features,)."""
        return self.sequence_shape(input_shape)[1:]

    def workspace(self, input_shape: tuple[Shape, ...]) -> dict[str, Workspace]:
        """Return space for the steps of the maxima, and for sequences without padding."""
        time, features = input_shape[0]
        return {
            "step": Workspace((features,), dtype=np.intp),
            "masked": Workspace((time, features)),
            "is_step": Workspace((time, features), dtype=bool),
            "padding": Workspace((time,), dtype=bool),
        }

    def forward(self, x: Arrays, y: Array, state: LayerState) -> None:
        """y = max x[t], and the first t where it is."""
        np.copyto(state.masked, x[0])
        if len(x) > 1:
            padding = fill_padding(x[1], state.padding)
            np.copyto(state.masked, -np.inf, where=padding[:, :, None])
        np.argmax(state.masked, axis=1, out=state.step)
        np.maximum.reduce(state.masked, axis=1, out=y)
        if len(x) > 1:
            empty = state.padding[:, :1]
            np.copyto(y, 0, where=empty)
            np.copyto(state.step, -1, where=empty)

    def backward(self, x: None, y: None, dy: Array, dx: Gradients, state: LayerState) -> None:
        """dx[t] = dy where t is the step of the maximum, else 0."""
        if dx[0] is not None:
            np.equal(state.step[:, None], steps(state.masked.shape[1])[:, None], out=state.is_step)
            np.multiply(state.is_step, dy[:, None], out=dx[0])
