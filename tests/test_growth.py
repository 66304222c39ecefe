"""Work grows linearly with the size of the input, counted in instructions."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

from declnet import default_registry
from declnet.graph.kernels import Kernels
from declnet.graph.memory_plan import Life, allocate
from declnet.graph.model import Model
from declnet.graph.shapes import infer_network
from declnet.graph.training_graph import TrainingGraph
from declnet.spec.heads import Head
from declnet.spec.validate import read_spec
from declnet.training.checks.check import check_spec
from declnet_plugins.standard.data.csv_polars import last_row_end
from declnet_plugins.standard.layers.activations import ReLU
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.losses.regression import MeanSquaredError

SPEC = """
declnet = 1
[data]
train = {{ type = "csv", path = "table.csv", target = "y" }}
prepare = ["standardize"]
[model]
layers = [{layers}]
[loss]
type = "mean_squared_error"
[optimizer]
type = "sgd"
[training]
epochs = 1
batch_size = 5
{keys}
"""


def check(
    folder: Path, *, layers: int = 1, columns: int = 2, rows: int = 10, keys: int = 0
) -> None:
    header = ",".join([*(f"c{number}" for number in range(columns)), "y"])
    row = ",".join(["1"] * (columns + 1))
    (folder / "table.csv").write_text("\n".join([header, *[row] * rows]) + "\n")
    text = SPEC.format(
        layers=", ".join(['{ type = "dense", units = 1 }'] * layers),
        keys="\n".join(f"wrong_{number} = 1" for number in range(keys)),
    )
    (folder / "spec.toml").write_text(text)
    check_spec(read_spec(folder / "spec.toml"), default_registry())


def dotted_keys(folder: Path, count: int) -> None:
    (folder / "spec.toml").write_text("\n".join(f"a{number}.b.c = 1" for number in range(count)))
    read_spec(folder / "spec.toml")


def memory(count: int) -> None:
    allocate([Life(start, 2 * count - start, 1 + start % 7) for start in range(count)])


def training_graph(layers: int) -> None:
    """Compile a deep model and bind a step to a batch."""
    network = infer_network([Dense(units=1), ReLU()] * layers, (2,), default_registry())
    model = Model(network, "float32")
    graph = TrainingGraph(model, [Head("", MeanSquaredError())], 5, 0, Kernels(default_registry()))
    graph.step({"": np.zeros((5, 2), "float32")}, [np.zeros((5, 1), "float32")])


def blocks_and_variables(folder: Path, count: int) -> None:
    """Check many blocks, right and wrong variables, and unknown inputs."""
    names = range(count)
    variables = "\n".join(f"v{number} = 1\nu{number} = 1" for number in names)
    block = (
        '{{ name = "b{0}", repeat = 2, layers = ["relu", {{ type = "relu", inputs = ["x{0}"] }}, '
        '{{ type = "dense", units = "${{v{0}}}" }}, {{ type = "dense", units = "${{w{0}}}" }}] }}'
    )
    layers = ", ".join(map(block.format, names))
    (folder / "spec.toml").write_text(f"[variables]\n{variables}\n[model]\nlayers = [{layers}]")
    parsed = read_spec(folder / "spec.toml")
    parsed.source_map.locate(parsed.diagnostics)


CASES: dict[str, tuple[Callable[[Path, int], None], int]] = {
    "layers": (lambda folder, size: check(folder, layers=size), 25),
    "columns": (lambda folder, size: check(folder, columns=size), 40),
    "layers of a training": (lambda _, size: training_graph(size), 25),
    "memory": (lambda _, size: memory(size), 100),
    "wrong keys": (lambda folder, size: check(folder, keys=size), 10),
    "dotted keys": (dotted_keys, 12),
    "blocks and variables": (blocks_and_variables, 8),
}


def instructions(work: Callable[[], None]) -> int:
    """Return the number of executed Python instructions; a loop in C counts as one."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("case", CASES)
def test_checking_is_linear_in(case: str, tmp_path: Path) -> None:
    work, size = CASES[case]
    work(tmp_path, size)  # fills imports and caches
    once, twice, four_times = (
        instructions(lambda factor=factor: work(tmp_path, factor * size)) for factor in (1, 2, 4)
    )
    growth = (four_times - twice) / (twice - once)  # the ratio is 2 if linear, 4 if quadratic
    assert growth < 2.5


class Searched(bytes):
    """Bytes that count the searched positions."""

    total = 0

    def count(self, part: Any, start: Any = 0, end: Any = None) -> int:
        Searched.total += len(range(*slice(start, end).indices(len(self))))
        return super().count(part, start, end)

    def rfind(self, part: Any, start: Any = 0, end: Any = None) -> int:
        position = super().rfind(part, start, end)
        Searched.total += len(range(*slice(start, end).indices(len(self)))) - position
        return position


def test_a_missing_quotation_mark_is_searched_for_once() -> None:
    piece = Searched(b'1,2\n3,"4\n' + b"5,6\n" * 5000)
    assert last_row_end(piece) == len(b"1,2\n")
    assert Searched.total < 6 * len(piece)
