"""The code on the pages is right: it parses, and what is complete really runs."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from declnet_pages.code_blocks import CodeBlock

import declnet
from declnet.training.checks.check import check_spec

VERBS = {"", "runs", "continues", "file", "spec"}


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
    assert check_spec(spec).problems == ()
    if runs.strip():
        result = declnet.run(spec, registry=registry)
        assert result.history[-1]["loss"] < result.history[0]["loss"]


def test_complete_python_runs(
    running_blocks: tuple[CodeBlock, ...], tmp_path: Path, repository: Path
) -> None:
    shutil.copytree(repository / "specs", tmp_path / "specs")
    _, _, line = running_blocks[0].argument.partition("after ")
    if line:
        module = [sys.executable, "-m", *shlex.split(line)]
        subprocess.run(module, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    (tmp_path / "page.py").write_text("\n\n".join(block.text for block in running_blocks), "utf-8")
    python = [sys.executable, "-W", "error", "page.py"]
    done = subprocess.run(python, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_example_components_keep_their_contracts(
    project_name: str, example_projects: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    from declnet.testing import check_component

    project = example_projects[project_name]
    monkeypatch.chdir(project.folder)
    components = project.components()
    assert components
    reports = [check_component(each, raise_on_failure=False) for each in components]
    assert [str(outcome) for report in reports for outcome in report.failed] == []
    assert all(report.succeeded for report in reports)


def test_the_fusion_is_used(example_projects: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    from declnet.graph.training_graph import find_fusion

    registry = example_projects["declnet-counts"].registered()
    layer, loss = registry.find("layer", "rate")(), registry.find("loss", "poisson_counts")()
    fusion = find_fusion(layer, loss, registry)
    assert fusion is not None
    assert fusion.type == "rate_poisson_counts"


def test_the_loss_warns_of_a_last_layer_that_gives_no_rates(
    blocks: list[CodeBlock], example_projects: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = example_projects["declnet-counts"]
    monkeypatch.chdir(project.folder)
    block = next(each for each in blocks if each.argument == "using declnet-counts, run")
    document = tomllib.loads(block.text)
    document["model"]["layers"].pop()
    (problem,) = check_spec(declnet.parse_spec(document, project.registered())).problems
    shown = [each.text.strip() for each in blocks if each.text.startswith("warning[W060]")]
    assert shown == [f"{problem.severity}[{problem.code}]: {problem.message} ({problem.help})"]
    assert problem.path == ("loss",)


def test_the_callback_follows_a_run_to_its_end(
    blocks: list[CodeBlock],
    example_projects: dict,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = example_projects["declnet-counts"]
    monkeypatch.chdir(project.folder)
    block = next(each for each in blocks if each.argument == "using declnet-counts, run")
    document = tomllib.loads(block.text)
    document["optimizer"]["learning_rate"] = 0.0
    document["training"] |= {"log_every": 1}
    registry = project.registered()
    spec = declnet.parse_spec(document, registry)
    result = declnet.run(spec, out=tmp_path / "run", registry=registry)
    assert len(result.history) < 300
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text("utf-8"))
    assert manifest["status"] == "finished"
    assert manifest["stopped"].startswith("no smaller loss than")
    assert json.loads((tmp_path / "run" / "plateau.json").read_text("utf-8"))["finished"]


def test_the_data_source_says_what_is_wrong(example_projects: dict, tmp_path: Path) -> None:
    source = example_projects["declnet-counts"].registered().find("data_source", "number_table")
    with pytest.raises(declnet.DataError, match="cannot be read"):
        source(path=tmp_path / "none.txt").describe()
    (tmp_path / "words.txt").write_text("1 two 3\n", "utf-8")
    with pytest.raises(declnet.DataError, match="not a table of numbers"):
        source(path=tmp_path / "words.txt").load(None)
