"""`declnet explain`: one code in full, or all of them."""

from __future__ import annotations

import json
import re
import textwrap

import pytest
from click.testing import CliRunner, Result

from declnet import default_registry
from declnet.cli.check import explain
from declnet.codes.catalogue import catalogue
from declnet.spec.schema import json_schema


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


def run(*arguments: str, columns: int = 80) -> Result:
    return CliRunner().invoke(explain, arguments, env={"COLUMNS": str(columns)})


@pytest.mark.parametrize("code", catalogue())
def test_a_code_is_told_whole(code: str) -> None:
    told, entry = run(code), catalogue()[code]
    assert told.exit_code == 0
    heading, rest = told.output.split("\n\n", 1)
    text, rest = rest.split("\n\nWrong:\n\n", 1)
    wrong, right = rest.split("\n\nRight:\n\n", 1)
    assert heading.endswith(f"[{code}]: {entry.title}")
    assert " ".join(text.split()) == entry.text
    assert textwrap.dedent(wrong) == entry.wrong
    assert textwrap.dedent(right) == entry.right + "\n"


def test_its_heading_is_that_of_the_problem() -> None:
    assert run("E012").output.startswith("error[E012]: wrong type of value\n")
    assert run("W003").output.startswith("warning[W003]: no activation")


@pytest.mark.parametrize(("columns", "widest"), [(50, 50), (300, 90)])
def test_prose_fits_the_terminal_and_is_never_too_wide(columns: int, widest: int) -> None:
    text = run("E051", columns=columns).output.split("\n\n")[1]
    assert widest - 15 < max(map(len, text.splitlines())) <= widest


@pytest.mark.parametrize("written", ["e012", "E012"])
def test_case_does_not_matter(written: str) -> None:
    assert run(written).output == run("E012").output


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("E12", 'did you mean "E012"?'),
        ("012", 'did you mean "E012"?'),
        ("w03", 'did you mean "W003"?'),
        ("nonsense", "`declnet explain` lists all"),
        ("", "`declnet explain` lists all"),
    ],
)
def test_an_unknown_code_is_refused_with_a_suggestion(written: str, hint: str) -> None:
    told = run(written)
    assert told.exit_code == 2
    assert f'there is no code "{written}" ({hint})' in told.output


def test_all_codes_are_listed_with_their_titles() -> None:
    listed = [
        re.split(r"\s{2,}", line.strip(), maxsplit=1)
        for line in run().output.splitlines()
        if re.match(r" ?[EW]\d", line)
    ]
    assert listed == [[each.code, each.title] for each in catalogue().values()]


def test_what_a_check_says_leads_here(declnet_cli, spec_file, document) -> None:
    """The last line of a refusal names a command that works."""
    document["training"]["epochs"] = "3"
    said = declnet_cli("check", spec_file(document)).stderr
    line = re.search(r"`declnet (explain [EW]\d+)`", said)
    assert line is not None
    told = declnet_cli.succeeds(*line[1].split())
    assert told.startswith("error[E012]: ")


def test_it_is_printed(declnet_cli):
    assert json.loads(declnet_cli.succeeds("schema")) == json_schema(default_registry())


def test_it_is_written_to_a_file(declnet_cli, tmp_path):
    (tmp_path / "spec.schema.json").write_text("old")
    assert declnet_cli.succeeds("schema", "-o", "spec.schema.json") == ""
    assert (tmp_path / "spec.schema.json").read_text("utf-8") == declnet_cli.succeeds("schema")
    assert [each.name for each in tmp_path.iterdir()] == ["spec.schema.json"]


def test_a_plugin_can_be_left_out(declnet_cli):
    schema = json.loads(declnet_cli.succeeds("schema", "--no-plugin", "schedules"))
    assert schema["definitions"]["schedule-types"]["enum"] == []


def test_a_folder_that_is_not_there_is_no_traceback(declnet_cli):
    done = declnet_cli("schema", "--output", "nowhere/spec.schema.json")
    assert done.returncode == 2
    assert "nowhere/spec.schema.json: cannot be written: No such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_plugin_is_left_out_with_a_warning(declnet_cli, tmp_path):
    package = tmp_path / "declnet_torn"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('torn')\n")
    about = tmp_path / "declnet_torn-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: declnet-torn\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[declnet]\ntorn = declnet_torn\n")
    done = declnet_cli("schema", "-o", "spec.schema.json")
    assert done.returncode == 0
    assert "warning: left out: plugin torn (declnet-torn 1.0): ImportError: torn" in done.stderr
    assert json.loads((tmp_path / "spec.schema.json").read_text("utf-8"))["definitions"]
