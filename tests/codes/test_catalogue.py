"""Examples of the codes: the wrong one has exactly that problem, the right one has none."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import click
import numpy as np
import pytest
from safetensors.numpy import save_file

import declnet
from declnet import Diagnostic, Layer, Metric, Registry, RunContext, SpecError
from declnet.cli.main import command
from declnet.cli.plugin_commands import PluginCommand
from declnet.cli.reading import checked_spec
from declnet.codes.catalogue import Code, catalogue
from declnet.registry.entry import Entry
from declnet.registry.plugin import Plugin

BASE = Path(__file__).parent / "base.toml"

WHOLE = {"E030", "E046", "E047", "W007"}
"""Codes whose examples are whole specs: nothing can be laid over a spec to take its data away, or
its loss."""


OF_RUNS = {"E080"}
"""Codes that no spec has; `tests/third_party` has runs with them."""


class ClassRecall(Metric):
    """A plugin's metric with a custom check."""

    type = "class_recall"
    renamed_fields: ClassVar = {"label": "of_class"}

    of_class: int

    def start(self) -> list[int]:
        return [0, 0]

    def update(self, state, y_pred, y_true):
        raise NotImplementedError

    def result(self, state):
        raise NotImplementedError

    def check(self, context: RunContext):
        classes = context.data["train"].classes
        if classes is not None and self.of_class >= classes:
            yield Diagnostic(f"there is no class {self.of_class}", path=("of_class",))


class Halve(Layer):
    """A plugin's layer that has no outputs for a single feature."""

    type = "halve"

    def output_shape(self, input_shape):
        return (input_shape[0] // 2,)

    def forward(self, x, y, state):
        raise NotImplementedError

    def backward(self, x, y, dy, dx, state):
        raise NotImplementedError


@pytest.fixture(scope="module")
def registry(repository: Path) -> Iterator[Registry]:
    """Everything installed, a type that two distributions offer, and the plugins of this module."""
    case = repository / "tests" / "gallery" / "type_offered_by_two_distributions"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(case / "installed")
        yield with_own_components(declnet.discover())


def with_own_components(registry: Registry) -> Registry:
    """Add a metric with a custom check, a layer, and a broken plugin."""
    registry.register(ClassRecall)
    registry.register(Halve)
    broken = Plugin("swish", "declnet-swish", "1.0")
    registry.add(Entry("layer", "swish", broken, "declnet_swish_that_is_not_there:Swish"))
    return registry


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Return the working folder, with all files that examples name."""
    tmp_path = tmp_path_factory.mktemp("examples")
    for name in ("base.toml", "spec.toml"):
        shutil.copy(BASE, tmp_path / name)
    labels = np.arange(60) % 3
    points = np.random.default_rng(3).normal(size=(60, 3))
    np.savez(tmp_path / "points.npz", x=points[:, :2], y=labels)
    np.savez(tmp_path / "more_points.npz", x=points[:, :2] + 1, y=labels)
    np.savez(tmp_path / "points_with_color.npz", x=points, y=labels)
    np.savez(tmp_path / "songs.npz", notes=np.arange(300).reshape(60, 5) % 12, y=labels)
    np.savez(tmp_path / "labels_from_minus_one.npz", x=points[:, :2], y=np.arange(60) % 4 - 1)
    rows = [f"{size},{'red' if size % 2 else 'blue'},species {size % 3}" for size in range(30)]
    (tmp_path / "flowers.csv").write_text("\n".join(["size,color,species", *rows]))
    sales = [f"{'old' if day > 5 else 'new'},2024-01-{day:02},{day % 7}" for day in range(1, 31)]
    (tmp_path / "sales.csv").write_text("\n".join(["shop,day,sales", *sales]))
    prices = [f'"${row + 1},000",species {row % 3}' for row in range(30)]
    (tmp_path / "priced_flowers.csv").write_text("\n".join(["price,species", *prices]))
    days = [f"{row},2024-01-{day:02}" for day, row in enumerate(rows, start=1)]
    dated = ["size,color,species,picked", *days[:-1], f"{rows[-1]},"]
    (tmp_path / "picked_flowers.csv").write_text("\n".join(dated))
    chance = np.random.default_rng(5)
    ages, doses = chance.integers(18, 90, 300), chance.normal(5, 1, 300).round(3)
    patients = [
        f"{1000 + number},{age},{dose},{number % 3 * 7},outcome {number % 3}"
        for number, (age, dose) in enumerate(zip(ages, doses, strict=True))
    ]
    trips = [f"city {row % 300},vehicle {n}" for row, n in enumerate(chance.integers(0, 3, 2400))]
    (tmp_path / "trips.csv").write_text("\n".join(["city,vehicle", *trips]))
    header = "patient,age,dose,code,outcome"
    (tmp_path / "patients.csv").write_text("\n".join([header, *patients]))
    first = [f"{row},{20 + row},{4 + row / 60},0,outcome 0" for row in range(60)]
    (tmp_path / "mild_patients.csv").write_text("\n".join([header, *first]))
    (tmp_path / "visits.csv").write_text("\n".join([header, *patients * 3]))
    model = declnet.build_model(declnet.load_spec(BASE).model, input_shape=(2,))
    save_file(model.parameters(), tmp_path / "weights.safetensors")
    save_file({"dense_1.weights": np.zeros((2, 5))}, tmp_path / "other_model.safetensors")
    with contextlib.chdir(tmp_path):
        yield


def is_command(example: str) -> bool:
    return re.match(r"declnet [a-z]", example) is not None


def command_called(name: str) -> Any:
    """Return a command of the core or of an optional package."""
    known = command.get_command(click.Context(command), name)
    return known.load() if isinstance(known, PluginCommand) else known


def codes_of(code: str, example: str, registry: Registry) -> list[str]:
    """Return the codes of all problems in an example."""
    path, overrides = Path("example.toml"), ()
    if is_command(example):
        _, name, *words = shlex.split(example)
        values = command_called(name).make_context(name, words).params
        path, overrides = values.get("path", values.get("spec")), values["overrides"]
    else:
        whole = code in WHOLE or re.search(r"^extends", example, re.MULTILINE)
        path.write_text(example if whole else f'extends = "base.toml"\n\n{example}\n', "utf-8")
    try:
        problems = checked_spec(path, overrides, registry).problems
    except SpecError as error:
        problems = error.problems
    return [problem.code for problem in problems]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "code",
    [code for name, code in catalogue().items() if name not in OF_RUNS],
    ids=lambda code: code.code,
)
def test_the_wrong_example_has_exactly_this_problem_and_the_right_one_none(
    code: Code, registry: Registry
) -> None:
    assert codes_of(code.code, code.wrong, registry) == [code.code]
    assert codes_of(code.code, code.right, registry) == []


@pytest.mark.parametrize("code", sorted(OF_RUNS))
def test_examples_of_runs_are_command_lines(code: str) -> None:
    for example in (catalogue()[code].wrong, catalogue()[code].right):
        _, name, *words = shlex.split(example)
        command_called(name).make_context(name, words)


def test_entries_are_short_and_in_order() -> None:
    codes = catalogue()
    assert list(codes) == sorted(codes) == [code.code for code in codes.values()]
    assert len({code.title for code in codes.values()}) == len(codes)
    for code in codes.values():
        assert 10 < len(code.title) <= 60
        assert 2 <= len(re.findall(r"[.!?](?= [A-Z`]|$)", code.text)) <= 6
        assert max(len(line) for line in f"{code.wrong}\n{code.right}".splitlines()) <= 100


def test_commands_and_components_in_texts_exist(registry: Registry) -> None:
    """Texts name commands, and components in their arguments."""
    for code in catalogue().values():
        for name, words in re.findall(r"`declnet ([a-z]+)((?: [a-z_]+)*)`", code.text):
            group = command_called(name)
            for word in words.split():
                if word in getattr(group, "commands", {}):
                    group = group.commands[word]
                else:
                    assert any(word in registry.types(kind) for kind in registry.kinds())


def test_the_catalogue_has_exactly_the_codes_that_are_raised(repository: Path) -> None:
    """Codes for the checks of components are a default or raised by third-party plugins."""
    sources = [*(repository / "declnet").rglob("*.py"), *(repository / "plugins").rglob("*.py")]
    raised = {
        code for path in sources for code in re.findall(r'"([EW]\d{3})"', path.read_text("utf-8"))
    }
    assert len(sources) > 100
    assert set(catalogue()) == raised | {"E060", "W060"}
