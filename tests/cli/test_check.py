from __future__ import annotations

import json
import re

import pytest


def rows(out):
    return [re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if line.strip()]


def test_layers_are_printed_with_shapes_and_parameters(declnet_cli, spec_file, document):
    found = rows(declnet_cli.succeeds("check", spec_file(document)))
    assert ["dense_1", "dense", "(n, 4)", "12"] in found
    assert ["relu_1", "relu", "(n, 4)", "0"] in found
    assert ["dense_2", "dense", "(n, 3)", "15"] in found
    assert ["total", "27"] in found
    assert ["parameters", "216 B"] in found


def test_nothing_is_written(declnet_cli, spec_file, document, tmp_path):
    spec = spec_file(document)
    before = sorted(tmp_path.iterdir())
    declnet_cli.succeeds("check", spec)
    assert sorted(tmp_path.iterdir()) == before


def test_overrides_apply(declnet_cli, spec_file, document):
    out = declnet_cli.succeeds("check", spec_file(document), "--set", "model.layers.0.units=1000")
    assert ["dense_1", "dense", "(n, 1000)", "3,000"] in rows(out)


def test_a_huge_model_is_refused_without_allocating_it(declnet_cli, spec_file, document):
    document["model"]["layers"][1:1] = [{"type": "dense", "units": 10**6}, "relu"] * 2
    done = declnet_cli("check", spec_file(document))
    assert (done.returncode, done.stdout) == (2, "")
    assert "error[E051]: " in done.stderr
    assert "GiB of memory, this machine has" in done.stderr
    assert "Traceback" not in done.stderr


def test_shape_faults_are_found(declnet_cli, spec_file, document):
    document["data"]["train"] = {"type": "nnfs_sine", "samples": 10}
    done = declnet_cli("check", spec_file(document))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error[E041]: ")
    assert "needs labels" in done.stderr


def test_warnings_are_shown_with_what_would_be_built(declnet_cli, spec_file, document):
    done = declnet_cli("check", spec_file(document), "--set", "model.layers.1=linear")
    assert done.returncode == 0
    assert ["total", "27"] in rows(done.stdout)
    assert done.stderr.startswith("warning[W003]: ")
    assert done.stderr.endswith("\n1 warning; `declnet explain W003` says more\n")


@pytest.fixture
def data(declnet_cli, spec_file, document):
    """The exit code and the problems that `check --format json` prints for a document."""

    def check(*changes):
        options = [word for change in changes for word in ("--set", change)]
        done = declnet_cli("check", spec_file(document), "--format", "json", *options)
        assert done.stderr == ""
        found = json.loads(done.stdout)
        assert list(found) == ["problems"]
        return done.returncode, found["problems"]

    return check


def test_problems_as_data_of_a_right_spec_are_none(data):
    assert data() == (0, [])


def test_problems_as_data_of_a_suspicious_spec(data, tmp_path):
    code, (problem,) = data("model.layers.1=linear")
    assert code == 0
    assert (problem["code"], problem["severity"]) == ("W003", "warning")
    assert problem["path"].startswith("model.layers.")


def test_problems_as_data_of_a_wrong_spec(data, document, tmp_path):
    document["training"]["epoch"] = 1
    code, problems = data("seed=-1", "model.layers.0.units=漢")
    text = (tmp_path / "spec.json").read_text()
    column = text.index('"epoch"') + 1
    assert code == 2
    assert problems[0] == {
        "file": str(tmp_path / "spec.json"),
        "line": 1,
        "column": column,
        "end_line": 1,
        "end_column": column + len('"epoch"'),
        "code": "E010",
        "severity": "error",
        "message": 'unknown key "epoch"',
        "hint": 'did you mean "epochs"?',
        "path": "training.epoch",
    }
    assert [(each["file"], each["line"], each["column"]) for each in problems[1:]] == [
        ("--set", 1, 6),
        ("--set", 2, 22),
    ]
    assert '"units" must be a whole number, not "漢"' in problems[2]["message"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("absent.toml", None, "E001"), ("bad.toml", "a = ", "E002"), ("bad.json", "{", "E002")],
)
def test_problems_as_data_of_what_is_no_spec(declnet_cli, spec_file, name, content, code):
    if content is not None:
        spec_file(content, name)
    done = declnet_cli("check", name, "--format", "json")
    assert (done.returncode, done.stderr) == (2, "")
    (problem,) = json.loads(done.stdout)["problems"]
    assert (problem["code"], problem["file"]) == (code, name)


def test_problems_as_data_of_what_is_no_override(data):
    code, (problem,) = data("nonsense")
    assert (code, problem["code"], problem["file"]) == (2, "E005", "--set")
