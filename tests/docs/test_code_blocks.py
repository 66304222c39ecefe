"""Code in the docs, all of which parses, and complete examples, which run."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from declnet_pages.code_blocks import CodeBlock

import declnet
from declnet.training.checks.check import check_spec

from ..command_line import CommandLine

VERBS = {
    *("", "runs", "continues", "file", "spec", "signatures"),
    *("saved", "commands", "prints"),
}


def test_every_marker_is_known(blocks: list[CodeBlock]) -> None:
    assert [str(block) for block in blocks if block.verb not in VERBS] == []


def test_python_compiles(python_block: CodeBlock) -> None:
    compile(python_block.text, str(python_block), "exec")


def test_toml_parses(toml_block: CodeBlock) -> None:
    tomllib.loads(toml_block.text)


def test_json_parses(json_block: CodeBlock) -> None:
    json.loads(json_block.text)


def test_specs_are_valid_and_some_are_trained(
    spec_block: CodeBlock, example_projects: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = json.loads if spec_block.language == "json" else tomllib.loads
    options, _, runs = spec_block.argument.partition(",")
    project = options.removeprefix("using").strip()
    registry = declnet.default_registry()
    if project:
        registry = example_projects[project].registered()
        monkeypatch.chdir(example_projects[project].folder)
    document = parse(spec_block.text)
    assert document["declnet"] == 1, "a file of it would be refused"
    spec = declnet.parse_spec(document, registry)
    assert check_spec(spec, registry=registry).problems == ()
    if runs.strip():
        result = declnet.run(spec, registry=registry)
        assert result.history[-1]["loss"] < result.history[0]["loss"]


def test_complete_python_runs(
    running_blocks: tuple[CodeBlock, ...],
    tmp_path: Path,
    repository: Path,
    declnet_cli: CommandLine,
) -> None:
    (tmp_path / "specs").symlink_to(repository / "specs")
    _, _, line = running_blocks[0].argument.partition("after declnet ")
    if line:
        declnet_cli.succeeds(*shlex.split(line))
    page = tmp_path / "page.py"
    page.write_text("\n\n".join(block.text for block in running_blocks), "utf-8")
    done = declnet_cli.program(page)
    assert (done.returncode, done.stderr) == (0, "")


NEEDS_PYTHON = {"layer:jitter", "optimizer:layer_rate"}
"""Examples that draw random numbers, or need a number of an array."""


def test_example_components_keep_their_contracts(
    project_name: str, example_projects: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    from declnet.testing.packages import components_of_classes

    project = example_projects[project_name]
    monkeypatch.chdir(project.folder)
    components = project.components()
    assert components
    groups = components_of_classes(components)
    outcomes = [case.outcome() for _, cases in groups for case in cases]
    assert [str(outcome) for outcome in outcomes if outcome.status == "failed"] == []
    passed = {outcome.component for outcome in outcomes if outcome.status == "passed"}
    assert passed == {f"{component.kind}:{component.type}" for component in components}
    if find_spec("numba") is not None:
        skipped = [outcome for outcome in outcomes if outcome.status == "skipped"]
        slower = {skip.component for skip in skipped if skip.check == "runs_without_python"}
        assert slower <= NEEDS_PYTHON


def test_the_kit_names_the_line_that_needs_python(blocks: list[CodeBlock], tmp_path: Path) -> None:
    pytest.importorskip("numba", reason="the extra jit is not installed")
    at = next(i for i, block in enumerate(blocks) if "class Excess" in block.text)
    (tmp_path / "excess.py").write_text(blocks[at].text, "utf-8")
    python = [sys.executable, "excess.py"]
    done = subprocess.run(python, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == blocks[at + 1].text


@pytest.fixture
def registry(example_projects: dict) -> declnet.Registry:
    """Everything installed and declnet-counts."""
    return example_projects["declnet-counts"].registered()


@pytest.fixture
def visits(
    blocks: list[CodeBlock], example_projects: dict, monkeypatch: pytest.MonkeyPatch
) -> dict:
    """Return the document of a spec with every component of declnet-counts, in its folder."""
    monkeypatch.chdir(example_projects["declnet-counts"].folder)
    block = next(block for block in blocks if block.argument == "using declnet-counts, run")
    return tomllib.loads(block.text)


def problem_of(visits: dict, registry: declnet.Registry) -> declnet.Diagnostic:
    (problem,) = check_spec(declnet.parse_spec(visits, registry), registry=registry).problems
    return problem


def test_the_loss_warns_about_a_last_layer_that_returns_no_rates(
    blocks: list[CodeBlock], visits: dict, registry: declnet.Registry
) -> None:
    visits["model"]["layers"].pop()
    problem = problem_of(visits, registry)
    shown = [block.text.strip() for block in blocks if block.text.startswith("warning[W060]")]
    assert shown == [f"{problem.severity}[{problem.code}]: {problem.message} ({problem.help})"]
    assert problem.path == ("loss",)


def without_folder(message: str) -> str:
    """Return a message without the folder and line number of its file."""
    return re.sub(r"\(\S*?(declnet_counts/\w+\.py):\d+\)", r"(…/\1)", message)


def break_method(
    monkeypatch: pytest.MonkeyPatch, registry: declnet.Registry, name: str, body: str
) -> None:
    """Replace a method of the layer `center` as if its file had the new one."""
    center = registry.find("layer", "center")
    namespace: dict = {}
    exec(
        compile(f"def {name}(self, *_):\n    {body}\n", inspect.getfile(center), "exec"), namespace
    )
    monkeypatch.setattr(center, name, namespace[name])


def test_a_wrong_return_value_is_reported_as_the_page_says(
    blocks: list[CodeBlock], visits: dict, registry: declnet.Registry, monkeypatch
) -> None:
    break_method(monkeypatch, registry, "output_shape", "return None")
    problem = problem_of(visits, registry)
    shown = [block.text.strip() for block in blocks if block.text.startswith("error[E025]")]
    assert [without_folder(text) for text in shown] == [
        without_folder(f"{problem.severity}[{problem.code}]: {problem.message}")
    ]


def test_an_exception_is_reported_as_the_page_says(
    blocks: list[CodeBlock], visits: dict, registry: declnet.Registry, monkeypatch
) -> None:
    break_method(monkeypatch, registry, "forward", "1 / 0")
    with pytest.raises(declnet.ComponentError) as caught:
        declnet.run(declnet.parse_spec(visits, registry), registry=registry)
    shown = [block.text.strip() for block in blocks if "raised ZeroDivisionError" in block.text]
    assert [without_folder(text) for text in shown] == [without_folder(f"error: {caught.value}")]
