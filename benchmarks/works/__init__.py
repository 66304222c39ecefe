"""The works: what every peer trains, as data."""

from itertools import pairwise

from works.layers import (
    Activation,
    Add,
    Conv2d,
    Dense,
    Embedding,
    Flatten,
    Layer,
    LayerNorm,
    Lstm,
    MaxPool2d,
    MeanOverTime,
    MultiHeadAttention,
    Relu,
    Sigmoid,
    Silu,
    Softsign,
    Tanh,
)
from works.work import Work

RELU = Relu()


def perceptron(
    sizes: tuple[int, ...], l2: float = 0.0, activation: Activation = RELU
) -> tuple[Layer, ...]:
    """Return dense layers with an activation between them; `l2` applies to the first one."""
    layers: list[Layer] = []
    for inputs, units in pairwise(sizes):
        layers += [Dense(inputs, units, 0.0 if layers else l2), activation]
    return tuple(layers[:-1])


SPIRAL = perceptron((2, 64, 3), l2=5e-4)
SMALL_SIZES = (64, 128, 64, 10)
SMALL = perceptron(SMALL_SIZES)
NORMALIZED = (
    Dense(64, 128), LayerNorm(128), Silu(), Dense(128, 64), LayerNorm(64), Silu(), Dense(64, 10)
)  # fmt: skip
# The example of SimpleChains.jl, which learns the exponential of 2×2 matrices.
CHAIN = perceptron((4, 32, 16, 4), activation=Tanh())
WIDE = perceptron((784, 512, 512, 10))
DEEP = perceptron((64, *[256] * 6, 10))
IMAGES = (
    Conv2d(3, 16), Relu(), Conv2d(16, 32), Relu(), MaxPool2d(), Flatten(), Dense(8192, 10)
)  # fmt: skip
TOKENS = (Embedding(1000, 32), Flatten(), *perceptron((512, 64, 10)))
RECURRENT = (Lstm(16, 64), Dense(64, 10))
# A transformer's block as Vaswani et al. (2017) have it: each sum is normalized after it.
BLOCK = (
    MultiHeadAttention(64, heads=4), Add(skipped=1), LayerNorm(64),
    Dense(64, 256), Relu(), Dense(256, 64), Add(skipped=3), LayerNorm(64),
)  # fmt: skip
IMAGE = (3, 32, 32)

# name, network, sample shape, layers, data, samples, batch, rate, short steps, quick steps,
# whether it is validated, loss, whether it is shuffled
WORKS = (
    Work("spiral_3000", "2→64→3", (2,), SPIRAL, "spiral", 3000, 3000, 0.005, 200, 10),
    Work("spiral_300", "2→64→3", (2,), SPIRAL, "spiral", 300, 300, 0.005, 200, 10),
    Work("small", "64→128→64→10", (64,), SMALL, "linear", 3200, 32, 0.001, 600, 100),
    Work("spiral_validated", "2→64→3", (2,), SPIRAL, "spiral", 300, 300, 0.005, 200, 10, True),
    Work("small_validated", "64→128→64→10", (64,), SMALL, "linear", 3200, 32, 0.001, 600, 100,
         True),
    Work("deep", "64→6×256→10", (64,), DEEP, "linear", 3200, 128, 0.0003, 50, 25),
    Work("wide", "784→512→512→10", (784,), WIDE, "linear", 8192, 128, 0.0003, 128, 64),
    Work("wide_1024", "784→512→512→10", (784,), WIDE, "linear", 8192, 1024, 0.0003, 16, 8),
    Work("convolution", "3×32×32, conv 16, conv 32, pool, dense 10", IMAGE, IMAGES, "linear",
         320, 32, 0.0003, 20, 10),
    Work("embedding", "16 tokens of 1000, embedding 32→64→10", (16,), TOKENS, "tokens",
         3200, 128, 0.001, 100, 25),
    Work("lstm", "50 steps of 16, lstm 64, dense 10", (50, 16), RECURRENT, "linear",
         320, 32, 0.001, 50, 10),
    Work("attention", "64 steps of 64, transformer block of 4 heads, mean, dense 10", (64, 64),
         (*BLOCK, MeanOverTime(), Dense(64, 10)), "linear", 320, 32, 0.0003, 20, 10),
    Work("chain", "4→32→16→4, tanh", (4,), CHAIN, "exponentials", 1000, 1000, 0.001, 200, 10,
         loss="mean_squared_error"),
    Work("chain_float64", "4→32→16→4, tanh", (4,), CHAIN, "exponentials", 1000, 1000, 0.001, 200,
         10, loss="mean_squared_error", dtype="float64"),
    Work("chain_10000", "4→32→16→4, tanh", (4,), CHAIN, "exponentials", 10000, 10000, 0.001, 100,
         10, loss="mean_squared_error"),
    Work("sigmoid", "64→128→64→10, sigmoid", (64,), perceptron(SMALL_SIZES, activation=Sigmoid()),
         "linear", 3200, 32, 0.001, 600, 100),
    Work("silu_norm", "64→128→64→10, layer norm, silu", (64,), NORMALIZED, "linear",
         3200, 32, 0.001, 200, 100),
    Work("softsign", "64→128→64→10, softsign", (64,),
         perceptron(SMALL_SIZES, activation=Softsign()), "linear", 3200, 32, 0.001, 600, 100),
    Work("spiral_one_batch", "2→64→3", (2,), SPIRAL, "spiral", 300, 300, 0.005, 200, 10,
         shuffled=True),
)  # fmt: skip


def work_named(name: str) -> Work:
    """Return the work with that name; raise KeyError if there is none."""
    return {work.name: work for work in WORKS}[name]
