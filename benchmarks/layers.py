"""Time single layers of declnet, PyTorch and JAX: `python benchmarks/layers.py`.

Forward and backward together, in float32, with the same input for all; backward computes the
gradients of the parameters and, except in a first layer, of the input. Every sample is a fresh
process of one library, and the libraries take turns, so that other load affects all. A process
runs each work twice to warm up and then `--runs` times, and reports the median. The table shows the
median of the processes, the fastest in brackets, and declnet's ratios to the others. JAX, if it is
installed, has the LSTM as a scan over time and attention, both jitted.

Uses all cores unless `--threads` is given. On a busy machine, compare with `--threads 1`, since
the libraries wait for their slowest thread.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from measuring import machine
from measuring.processes import THREAD_VARIABLES, keep_to

LIBRARIES = ("declnet", "torch", *(["jax"] if find_spec("jax") else []))


@dataclass(frozen=True)
class Work:
    """A layer on a batch of images or sequences.

    Attributes:
        name: the name in the table.
        layer: the layer's table in a declnet spec.
        module: the name of the torch class, and its arguments.
        shape: shape of the batch, (n, channels, height, width) or (n, time, features).
        first: whether it is a model's first layer, without a gradient of the input.
        target: the largest acceptable ratio to torch.
    """

    name: str
    layer: dict[str, Any]
    module: tuple[str, dict[str, Any]]
    shape: tuple[int, ...]
    first: bool = False
    target: float | None = None


def convolution(channels: int, filters: int, **more: Any) -> dict[str, Any]:
    """Return both descriptions of a 3x3 convolution that preserves the image size."""
    layer = {"type": "conv2d", "filters": filters, "kernel_size": 3, "padding": 1, **more}
    arguments = {"in_channels": channels, "out_channels": filters, "kernel_size": 3, "padding": 1}
    return {"layer": layer, "module": ("Conv2d", arguments | more)}


LARGE, SMALL = (64, 32, 32, 32), (64, 32, 16, 16)

WORKS = (
    Work(
        "conv2d 3->32, first layer",
        **convolution(3, 32),
        shape=(64, 3, 32, 32),
        first=True,
        target=2.5,
    ),
    Work("conv2d 3->32", **convolution(3, 32), shape=(64, 3, 32, 32), target=2.5),
    Work("conv2d 32->32", **convolution(32, 32), shape=SMALL, target=2.5),
    Work("conv2d 32->64, stride 2", **convolution(32, 64, stride=2), shape=SMALL),
    Work("conv2d 32->32, 32 groups", **convolution(32, 32, groups=32), shape=SMALL),
    Work(
        "batch_norm", {"type": "batch_norm"}, ("BatchNorm2d", {"num_features": 32}), LARGE, target=3
    ),
    Work(
        "layer_norm", {"type": "layer_norm"}, ("LayerNorm", {"normalized_shape": LARGE[1:]}), LARGE
    ),
    Work(
        "max_pool2d",
        {"type": "max_pool2d", "pool_size": 2},
        ("MaxPool2d", {"kernel_size": 2}),
        LARGE,
        target=3,
    ),
    Work(
        "average_pool2d",
        {"type": "average_pool2d", "pool_size": 2},
        ("AvgPool2d", {"kernel_size": 2}),
        LARGE,
        target=3,
    ),
    Work(
        "lstm 16->64",
        {"type": "lstm", "units": 64, "return_sequences": True},
        ("LSTM", {"input_size": 16, "hidden_size": 64, "batch_first": True}),
        (32, 50, 16),
    ),
    Work(
        "gru 16->64",
        {"type": "gru", "units": 64, "return_sequences": True},
        ("GRU", {"input_size": 16, "hidden_size": 64, "batch_first": True}),
        (32, 50, 16),
    ),
    Work(
        "attention 64, 4 heads",
        {"type": "multi_head_attention", "heads": 4},
        ("MultiheadAttention", {"embed_dim": 64, "num_heads": 4, "batch_first": True}),
        (32, 64, 64),
    ),
)

SEQUENCES = ("LSTM", "GRU", "MultiheadAttention")
"""Classes of torch for sequences, which return more than y."""

IN_JAX = ("LSTM", "MultiheadAttention")
"""Those whose layers are written in JAX, too."""


def declnet_pass(work: Work) -> Callable[[], None]:
    """Return a forward and backward pass of declnet's layer, in memory laid out as in the graph."""
    from declnet import Layer
    from declnet.testing import Subject
    from declnet.testing.layer_harness import LayerHarness
    from declnet.testing.trial import Batch, Setting

    layer, n = Layer.from_declaration(work.layer), work.shape[0]
    of_sequences = work.module[0] in SEQUENCES
    order: Any = "batch_first" if work.first or of_sequences else "batch_last"
    setting = Setting(
        n, dtype="float32", input_order=order, without_dx=-1 if work.first else None, spares=True
    )
    shape: Any = (work.shape[1:],) if of_sequences else work.shape[1:]
    harness = LayerHarness(Subject(layer), shape, setting)
    rng = np.random.default_rng(0)
    harness.run(Batch((rng.normal(size=work.shape),), rng.normal(size=(n, *harness.output))))
    forward, backward = harness.watched.forward_arguments, harness.watched.backward_arguments

    def run() -> None:
        layer.forward(*forward)
        layer.backward(*backward)

    return run


def torch_pass(work: Work, threads: int) -> Callable[[], None]:
    """Return a forward and backward pass of the torch module."""
    import torch

    torch.set_num_threads(threads)
    name, arguments = work.module
    layer = getattr(torch.nn, name)(**arguments)

    def module(x: Any) -> Any:
        if name == "MultiheadAttention":
            return layer(x, x, x, need_weights=False)[0]
        return layer(x)[0] if name in SEQUENCES else layer(x)

    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=work.shape).astype(np.float32), requires_grad=not work.first)
    dy = torch.tensor(rng.normal(size=module(x).shape).astype(np.float32))

    def run() -> None:
        layer.zero_grad(set_to_none=True)
        x.grad = None
        module(x).backward(dy)

    return run


def jax_pass(work: Work) -> Callable[[], None]:
    """Return a jitted forward and backward pass of the layer."""
    import jax

    from peers.jax_network import attention, lstm
    from works.data import initial
    from works.layers import Lstm, MultiHeadAttention

    layer: Any
    if work.module[0] == "LSTM":
        layer = Lstm(work.shape[-1], work.layer["units"])
    else:
        layer = MultiHeadAttention(work.shape[-1], work.layer["heads"])

    def forward(own: list[Any], x: Any) -> Any:
        return lstm(own, x)[1] if isinstance(layer, Lstm) else attention(layer.heads, own, x)

    def gradients(own: list[Any], x: Any, dy: Any) -> Any:
        return jax.vjp(forward, own, x)[1](dy)

    rng = np.random.default_rng(0)
    own = [
        jax.numpy.asarray(initial(layer.kind, name, shape, rng))
        for name, shape in layer.parameters.items()
    ]
    x = jax.numpy.asarray(rng.normal(size=work.shape).astype(np.float32))
    y = jax.eval_shape(forward, own, x)
    dy = jax.numpy.asarray(rng.normal(size=y.shape).astype(np.float32))
    step = jax.jit(gradients)

    def run() -> None:
        jax.block_until_ready(step(own, x, dy))

    return run


def measure(work: Work, library: str, threads: int, runs: int) -> float:
    """Return the median of the runs, in microseconds."""
    if library == "jax":
        run = jax_pass(work)
    else:
        run = declnet_pass(work) if library == "declnet" else torch_pass(work, threads)
    times = []
    for _ in range(runs + 2):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return median(times[2:]) * 1e6


def sample(library: str, threads: int, runs: int) -> dict[str, float]:
    """Return the measurements of a fresh process, by work."""
    command = [sys.executable, __file__, "--sample", library, "--runs", str(runs)]
    done = subprocess.run(
        [*command, "--threads", str(threads)],
        env=os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    times: dict[str, float] = json.loads(done.stdout)
    return times


@dataclass
class Row:
    """The samples of a work, by library."""

    work: Work
    times: dict[str, list[float]] = field(default_factory=lambda: {each: [] for each in LIBRARIES})

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the row."""
        measured = [self.times[each] for each in LIBRARIES]
        ours, *others = measured
        return (
            self.work.name,
            *(f"{median(each):.0f} ({min(each):.0f})" if each else "" for each in measured),
            *(
                f"{median(ours) / median(each):.2f} ({min(ours) / min(each):.2f})" if each else ""
                for each in others
            ),
            "" if self.work.target is None else f"{self.work.target:g}",
        )


def table(rows: list[Row]) -> str:
    """Return all rows with their headers."""
    times, ratios = (f"{each} µs" for each in LIBRARIES), (f"÷ {each}" for each in LIBRARIES[1:])
    headers = ("layer", *times, *ratios, "target")
    lines = [headers, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def main() -> None:
    """Measure the libraries in turn, and print the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--repeats", type=int, default=5, help="processes of each library")
    parser.add_argument("--runs", type=int, default=15, help="measured passes in a process")
    parser.add_argument("--threads", type=int, default=machine.cores(), help="default: all")
    parser.add_argument("--sample", choices=LIBRARIES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.sample:
        keep_to(arguments.threads)
        found = {
            work.name: measure(work, arguments.sample, arguments.threads, arguments.runs)
            for work in WORKS
            if arguments.sample != "jax" or work.module[0] in IN_JAX
        }
        print(json.dumps(found))
        return
    described = machine.describe()
    print(f"{described['processor']}, {described['cores']} cores, {arguments.threads} threads")
    print(", ".join(f"{name} {text}" for name, text in machine.installed_versions().items()))
    rows = [Row(work) for work in WORKS]
    for repeat in range(1, arguments.repeats + 1):
        for library in LIBRARIES:
            print(f"{repeat}/{arguments.repeats} {library}", file=sys.stderr, flush=True)
            for name, time in sample(library, arguments.threads, arguments.runs).items():
                next(row for row in rows if row.work.name == name).times[library].append(time)
    print(f"median (fastest) of {arguments.repeats} processes; load {machine.load():.1f}")
    print(table(rows))


if __name__ == "__main__":
    main()
