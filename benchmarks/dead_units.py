"""Train a network in which 90 % of the hidden units are dead, and the same network alive.

    python benchmarks/dead_units.py [--rounds 5] [--kernels numpy jit]

All networks train alive for 512 steps. Then the biases of 90 % of the relu units are set to -1000,
as after too large a step: the units never fire again, their gradients are exactly 0, and Adam's
moments decay (beta_2 is 0.99, so 8192 steps are enough) through the denormal numbers, with which
some processors compute a hundred times slower (the first line shows the factor of this machine).
declnet sets them to 0 every 64 steps; `never flushed` is the dead network with the optimizer called
directly.

A round is a fresh process with one thread, in which all three networks take turns of 64 steps. A
ratio is the median over all turns of the time divided by the alive network's; `at worst` covers the
ten turns of a round with the most denormal moments. `most` is their number just before a flush,
`end` the number after the last step.
"""

import argparse
import json
import tempfile
import tomllib
from pathlib import Path
from time import perf_counter
from typing import Any

import declnet
import numpy as np
from declnet.contracts.network.inputs import UNNAMED
from declnet.graph.kernels import Kernels
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import FLUSH_EVERY, Update

from limits.denormals import cost_of_denormals
from measuring import machine
from measuring.options import positive, report
from measuring.processes import Processes, keep_to
from measuring.table import aligned

SPEC = """
declnet = 1
loss = "categorical_crossentropy"
data.train = { type = "npz", path = "never-read.npz" }
optimizer = { type = "adam", learning_rate = 1e-4, beta_2 = 0.99 }
training.epochs = 1
model.layers = [
  { type = "dense", units = 128 }, "relu", { type = "dense", units = 128 }, "relu",
  { type = "dense", units = 10 }, "softmax",
]
"""
BATCH, INPUTS, LIVING = 64, 64, 13
ALIVE, TURNS, WORST = 8 * FLUSH_EVERY, 128, 10
TOTAL = ALIVE + TURNS * FLUSH_EVERY
KERNELS, WAYS = ("numpy", "jit"), ("alive", "dead", "never flushed")
HEADERS = ("µs a step", "ratio", "at worst", "most", "end", "moments 0")


def bare_update(update: Update, optimizer: Any) -> Any:
    """Run what `Update` does for such a small network, without the check for denormal numbers."""
    calls = [each for each in update.compiled.calls if not isinstance(each, declnet.FlushDenormals)]
    rate, count = update.now

    def apply(step: int) -> None:
        rate[0], count[0] = optimizer.rate(step, TOTAL), step
        for call in calls:
            call()

    return apply


class Training:
    """A network trained for `ALIVE` steps, with dead units afterwards unless `way` is alive."""

    def __init__(self, way: str, kernels_name: str) -> None:
        spec, registry = declnet.parse_spec(tomllib.loads(SPEC)), declnet.default_registry()
        model = declnet.build_model(spec.model, (INPUTS,))
        kernels = Kernels(registry, compiled=kernels_name == "jit")
        loss = spec.heads[0].loss
        graph = TrainingGraph(model, spec.heads, BATCH, 0, kernels)
        x = np.random.default_rng(0).normal(size=(BATCH, INPUTS)).astype(model.dtype)
        y_true = loss.prepare(np.arange(BATCH) % 10, model.output_shape, model.dtype)
        self._run, self._step = graph.step({UNNAMED: x}, [y_true]).run, 0
        parts = (spec.optimizer, model.store, graph.gradient)
        self._update: Any = Update(*parts, TOTAL, kernels=kernels)
        self._moments = self._update.state
        if way == "never flushed":
            self._update = bare_update(self._update, spec.optimizer)
        self.train(ALIVE)
        if way != "alive":
            for name in ("dense_1.biases", "dense_2.biases"):
                model.store.arrays[name][LIVING:] = -1000

    def train(self, steps: int) -> float:
        """Train, and return the seconds taken."""
        start = perf_counter()
        for step in range(self._step + 1, self._step + steps + 1):
            self._run()
            self._update(step)
        self._step += steps
        return perf_counter() - start

    def turn(self) -> tuple[float, int]:
        """Return microseconds per step until after a flush, and the denormal moments before it."""
        seconds, count = self.train(FLUSH_EVERY - 1), self.count()[0]
        return 1e6 * (seconds + self.train(1)) / FLUSH_EVERY, count

    def count(self) -> tuple[int, float]:
        """Return the number of denormal moments, and the fraction of moments that are 0."""
        sizes = np.abs(np.concatenate([array.ravel() for array in self._moments.values()]))
        zeros = np.count_nonzero(sizes == 0)
        return int(np.count_nonzero(sizes < np.finfo(sizes.dtype).tiny) - zeros), zeros / sizes.size


def sample(kernels: str) -> dict[str, Any]:
    """Return the turns of each network, and the contents of its moments afterwards."""
    trainings = {way: Training(way, kernels) for way in WAYS}
    turns = [{way: each.turn() for way, each in trainings.items()} for _ in range(TURNS)]
    ends = {way: each.count() for way, each in trainings.items()}
    return {way: {"turns": [turn[way] for turn in turns], "end": ends[way]} for way in WAYS}


def row(way: str, rounds: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return a network's results; its counts are the same in each round."""
    times = np.array([[time for time, _ in each[way]["turns"]] for each in rounds])
    ratios = times / [[time for time, _ in each["alive"]["turns"]] for each in rounds]
    counts, (end, zeros) = [count for _, count in rounds[0][way]["turns"]], rounds[0][way]["end"]
    medians = np.median(ratios), np.median(ratios[:, np.argsort(counts)[-WORST:]])
    figures = f"{np.median(times):.0f}", *(f"{ratio:.2f}" for ratio in medians)
    return way, *figures, str(max(counts)), str(end), f"{zeros:.0%}"


def main() -> None:
    """Measure round by round, and print the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--kernels", nargs="+", choices=KERNELS, default=KERNELS)
    parser.add_argument("--sample", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.sample:
        print(json.dumps(sample(arguments.sample)))
        return
    keep_to(1)
    print(f"{machine.processor()}; {cost_of_denormals()}", flush=True)
    with tempfile.TemporaryDirectory() as caches:
        processes = Processes(1, Path(caches))
        for kernels in arguments.kernels:
            rounds: list[dict[str, Any]] = []
            while len(rounds) < arguments.rounds:
                rounds.append(json.loads(processes.python(__file__, "--sample", kernels)[1]))
                report(f"{kernels} {len(rounds)}/{arguments.rounds}")
            lines = [(f"kernels {kernels}", *HEADERS), *(row(way, rounds) for way in WAYS)]
            print("\n".join(aligned(lines)), flush=True)


if __name__ == "__main__":
    main()
