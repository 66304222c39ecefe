"""Train networks with one group of parameters and with three, in turns.

    python benchmarks/groups.py [--turns 40] [--kernels numpy jit]

The groups differ in weight decay and rate: the biases, the last layer, and everything else. Both
trainings run in one process with one thread and alternate every `STEPS` steps; the ratio is the
median over all turns of the time with three groups divided by the time of the turn before.
"""

import argparse
from time import perf_counter
from typing import Any

import declnet
import numpy as np
from declnet.contracts.network.inputs import UNNAMED
from declnet.graph.kernels import Kernels
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import Update

from measuring import machine
from measuring.options import positive
from measuring.processes import keep_to
from measuring.table import aligned

NETWORKS = {
    "2→64→3, batch 300": (2, (64,), 3, 300),
    "64→128→64→10, batch 32": (64, (128, 64), 10, 32),
    "784→512→512→10, batch 128": (784, (512, 512), 10, 128),
}
STEPS, TOTAL = 50, 10**6
GROUPS = (
    {"parameters": ["*.biases"], "beta_1": 0.8},
    {"parameters": ["last.weights"], "learning_rate_factor": 0.1},
)


class Training:
    """A network with its optimizer, trained on one batch."""

    def __init__(self, network: str, kernels_name: str, groups: tuple[Any, ...]) -> None:
        inputs, hidden, classes, batch = NETWORKS[network]
        layers: list[Any] = []
        for units in hidden:
            layers += [{"type": "dense", "units": units}, "relu"]
        layers += [{"type": "dense", "units": classes, "name": "last"}, "softmax"]
        spec = declnet.parse_spec(
            {
                "model": {"layers": layers},
                "loss": "categorical_crossentropy",
                "optimizer": {"type": "adam", "groups": groups},
                "training": {"epochs": 1},
            }
        )
        kernels = Kernels(declnet.default_registry(), compiled=kernels_name == "jit")
        model = declnet.build_model(spec.model, (inputs,), groups=spec.optimizer.groups)
        loss = spec.heads[0].loss
        graph = TrainingGraph(model, spec.heads, batch, 0, kernels)
        x = np.random.default_rng(0).normal(size=(batch, inputs)).astype(model.dtype)
        y_true = loss.prepare(np.arange(batch) % classes, model.output_shape, model.dtype)
        self._run, self._step = graph.step({UNNAMED: x}, [y_true]).run, 0
        self._update = Update(spec.optimizer, model.store, graph.gradient, TOTAL, kernels=kernels)

    def turn(self) -> float:
        """Return microseconds per step of one turn."""
        start = perf_counter()
        for step in range(self._step + 1, self._step + STEPS + 1):
            self._run()
            self._update(step)
        self._step += STEPS
        return 1e6 * (perf_counter() - start) / STEPS


def row(network: str, kernels: str, turns: int) -> tuple[str, ...]:
    """Measure a network in turns."""
    one, three = (Training(network, kernels, groups) for groups in ((), GROUPS))
    one.turn(), three.turn()
    times = np.array([(one.turn(), three.turn()) for _ in range(turns)])
    medians = np.median(times, axis=0)
    ratio = np.median(times[:, 1] / times[:, 0])
    return network, kernels, *(f"{each:.0f}" for each in medians), f"{ratio:.3f}"


def main() -> None:
    """Measure network by network, and print the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--turns", type=positive, default=40)
    parser.add_argument("--kernels", nargs="+", choices=("numpy", "jit"), default=("numpy", "jit"))
    arguments = parser.parse_args()
    keep_to(1)
    print(machine.processor(), flush=True)
    lines: list[tuple[str, ...]] = [
        ("network", "kernels", "µs, one group", "three groups", "ratio")
    ]
    for network in NETWORKS:
        lines += [row(network, kernels, arguments.turns) for kernels in arguments.kernels]
    print("\n".join(aligned(lines)), flush=True)


if __name__ == "__main__":
    main()
