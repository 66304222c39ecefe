"""Layers that treat the samples of a batch, or its size, wrongly."""

import numpy as np

from declnet import Layer, Workspace

from .memory import Doubled


class MixesSamples(Layer):
    """y = x - mean of x over the batch, without saying so."""

    type = "mixes_samples"
    backward_needs = frozenset()

    def forward(self, x, y, state):
        np.subtract(x, x.mean(axis=0), out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.subtract(dy, dy.mean(axis=0), out=dx)


class DividesByTheBatch(Doubled):
    """y = x / n."""

    type = "divides_by_the_batch"

    def forward(self, x, y, state):
        np.divide(x, len(x), out=y)

    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.divide(dy, len(dy), out=dx)


class RemembersTheFirstBatch(Doubled):
    """y = 2 * x, of as many samples as the first batch had."""

    type = "remembers_the_first_batch"

    def workspace(self, input_shape):
        return {"samples": Workspace((), dtype="int64", per_sample=False, fill=0)}

    def forward(self, x, y, state):
        if not state.samples:
            state.samples[...] = len(x)
        first = slice(int(state.samples))
        np.multiply(x[first], 2, out=y[first])


class RequiresAWholeBatch(Doubled):
    """y = 2 * x, but for batches that are smaller than the first one."""

    type = "requires_a_whole_batch"

    def workspace(self, input_shape):
        return {"samples": Workspace((), dtype="int64", per_sample=False, fill=0)}

    def forward(self, x, y, state):
        state.samples[...] = max(int(state.samples), len(x))
        np.multiply(x, 2 * int(state.samples) / len(x), out=y)


class AtMost64(Doubled):
    """y = 2 * x, for the first 64 samples."""

    type = "at_most_64"

    def forward(self, x, y, state):
        np.multiply(x[:64], 2, out=y[:64])


class RoomFor128(Doubled):
    """y = 2 * x, through a workspace for 128 samples."""

    type = "room_for_128"

    def workspace(self, input_shape):
        return {"doubled": Workspace((128, *input_shape), per_sample=False)}

    def forward(self, x, y, state):
        np.multiply(x, 2, out=state.doubled[: len(x)])
        np.copyto(y, state.doubled[: len(x)])


class SaysThatItMixes(Doubled):
    """y = 2 * x, for each sample separately."""

    type = "says_that_it_mixes"
    mixes_samples = True


WRONG = {
    MixesSamples: "treats_samples_apart",
    DividesByTheBatch: "treats_samples_apart",
    RemembersTheFirstBatch: "takes_batches_of_any_size",
    RequiresAWholeBatch: "takes_batches_of_any_size",
    AtMost64: "takes_batches_of_any_size",
    RoomFor128: "takes_batches_of_any_size",
    SaysThatItMixes: "treats_samples_apart",
}
