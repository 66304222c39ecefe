"""`declnet new` on the command line, and the specs that it writes."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
import tomllib
from importlib.util import find_spec

import numpy as np
import pytest

from declnet import load_spec
from declnet_plugins.new.command import FEWEST_IDENTIFIERS

HAS_SKLEARN = find_spec("sklearn") is not None


@pytest.fixture
def written(declnet_cli, tmp_path, blobs):
    """Write a template to spec.toml, with the data that its comments describe."""

    def write(template):
        assert declnet_cli("new", "spec.toml", "--template", template).returncode == 0
        text = (tmp_path / "spec.toml").read_text("utf-8")
        document = tomllib.loads(text)
        if document["data"]["train"]["type"] == "sklearn" and not HAS_SKLEARN:
            pytest.skip("the extra sklearn is not installed")
        if "path" in document["data"]["train"]:
            make_data(text, tmp_path, blobs)
        return text

    return write


def make_data(text, folder, blobs):
    """Run the code in a template's comments, with many points as x and y."""
    code = textwrap.dedent("\n".join(re.findall(r"^# ( +.*)$", text, re.MULTILINE)))
    names = {"x": np.repeat(blobs[0], 5, axis=0), "y": np.repeat(blobs[1], 5)}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(compile(code, "the comment", "exec"), names)


@pytest.mark.parametrize(
    ("template", "metric", "least"),
    [
        ("classification", "accuracy", 0.85),
        ("binary", "binary_accuracy", 0.9),
        ("regression", "r2", 0.99),
        ("images", "accuracy", 0.95),
        ("table", "accuracy", 0.9),
        ("own_data", "accuracy", 0.9),
    ],
)
def test_every_template_trains_well_and_is_valid_with_its_comments_enabled(
    template, metric, least, written, declnet_cli, spec_file, tmp_path
):
    text = written(template)
    assert "W0" not in declnet_cli.succeeds("check", "spec.toml")
    declnet_cli.succeeds("run", "spec.toml", "--quiet", "--out", "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    assert metrics["test" if "test" in metrics else "validation"][metric] >= least
    more = re.sub(r"^( *)# (?=\w+ = |\{)", r"\1", text, flags=re.MULTILINE)
    assert tomllib.loads(more) != tomllib.loads(text)
    if (tmp_path / "data.npz").exists():
        (tmp_path / "test.npz").write_bytes((tmp_path / "data.npz").read_bytes())
    declnet_cli.succeeds("check", spec_file(more, "more.toml"))


def test_the_command_that_it_prints_runs_the_spec(declnet_cli, tmp_path):
    (tmp_path / "my models").mkdir()
    first, command = declnet_cli.succeeds("new", "my models/first.JSON").splitlines()
    assert first == "my models/first.JSON: written. Next:"
    program, *words = shlex.split(command)
    assert program == "declnet"
    declnet_cli.succeeds(*words, "--set", "training.epochs=2", "--quiet")
    assert (tmp_path / "runs" / "first-1" / "metrics.json").is_file()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none/spec.toml", "none/spec.toml: there is no folder none; make it first"),
        ("spec.yaml", "spec.yaml: a spec's name ends in .toml or .json"),
        ("spec", "spec: a spec's name ends in .toml or .json"),
        (".toml", ".toml: a spec's name ends in .toml or .json"),
        ("folder.toml", "folder.toml: is a folder; name a file"),
        ("a" * 300 + ".toml", "a" * 300 + ".toml: cannot be written: File name too long"),
    ],
)
def test_an_impossible_path_is_refused(name, message, refused, tmp_path):
    (tmp_path / "folder.toml").mkdir()
    assert refused("new", name) == f"error: {message}\n"
    assert refused("new", "folder.toml", "--force") == (
        "error: folder.toml: is a folder; name a file\n"
    )
    none = refused("new", "spec.toml", "--no-plugin", "templates")
    assert "no default template: choose one with --template (none)" in none
    assert [path.name for path in tmp_path.iterdir()] == ["folder.toml"]


def test_features_exclude_and_no_header_choose_columns(declnet_cli, tmp_path):
    rows = [f"{row},{row % 7},{row % 5},{row % 2}" for row in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    new = ("new", "spec.toml", "--force", "--data", "t.csv", "--no-header", "--target", "column_4")

    def train(*options):
        assert declnet_cli(*new, *options).returncode == 0
        return load_spec(tmp_path / "spec.toml").data.train

    assert train().header is False
    assert train("--features", "column_3,column_2").features == ("column_2", "column_3")
    assert train("--exclude", "column_2").features == ("column_3",)
    declnet_cli.succeeds("check", "spec.toml")
    for options, message in (
        (("--exclude", "column_4"), "the target, so it cannot be a feature"),
        (("--features", "size"), 'there is no column "size"'),
        (("--target", "column_1", "--features", "column_4"), '"column_4" is a target'),
    ):
        assert message in declnet_cli(*new, *options).stderr


@pytest.mark.parametrize(
    ("values", "is_noted"),
    [
        (range(4), True),  # the values number the rows
        ([at**2 for at in range(FEWEST_IDENTIFIERS)], True),
        ([at**2 for at in range(FEWEST_IDENTIFIERS - 1)], False),
        ([0, *(at**2 for at in range(FEWEST_IDENTIFIERS))], False),
        ([at**2 + 0.5 for at in range(FEWEST_IDENTIFIERS)], False),
    ],
)
def test_a_target_that_may_identify_the_rows_has_a_note(declnet_cli, tmp_path, values, is_noted):
    rows = [f"{at % 3}.5,{value}" for at, value in enumerate(values)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *rows]))
    done = declnet_cli("new", "s.toml", "--data", "t.csv", "--target", "y", "--task", "regression")
    assert done.returncode == 0
    assert ("an identifier cannot be predicted" in done.stderr) == is_noted


def test_folds_are_trained_and_predict_as_one(declnet_cli, refused, tmp_path):
    rows = [f"{at % 9},{at % 7},{'ab'[at % 3 == 0]}" for at in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["x,z,y", *rows]))
    new = ("new", "spec.toml", "--data", "t.csv", "--target", "y")
    assert "s of processor time" in declnet_cli(*new, "--test", "0.25").stderr
    data = load_spec(tmp_path / "spec.toml").data
    assert (data.folds, data.test) == (5, 0.25)
    assert "--test 0.001 would hold out none of the 60 rows" in refused(
        *new, "--force", "--test", "0.001"
    )
    declnet_cli.succeeds(*new, "--force", "--preset", "linear", "--folds", "2")
    assert "out of fold: binary_accuracy: " in declnet_cli.succeeds("run", "spec.toml", "--quiet")
    lines = declnet_cli.succeeds("predict", "runs/spec-folds-1", "t.csv").splitlines()
    assert len(lines) == 1 + 60
    for none in ("0", "1"):
        declnet_cli.succeeds(*new, "--force", "--folds", none)
        data = load_spec(tmp_path / "spec.toml").data
        assert (data.folds, data.validation) == (None, 0.15)
    assert "go with --data" in refused("new", "spec.toml", "--folds", "5")
    assert declnet_cli(*new, "--force", "--folds", "30").returncode == 0
    assert "31 is too many for 60 rows" in refused(*new, "--force", "--folds", "31")
    (tmp_path / "t.csv").write_text("\n".join(["x,z,y", *rows, "1,2,c"]))
    message = refused(*new, "--force", "--folds", "2")
    assert '--folds 2 needs two rows of each class, but "y" is "c" in one row only' in message
    assert declnet_cli(*new, "--force", "--folds", "1").returncode == 0
    (tmp_path / "t.csv").write_text("\n".join(["x,z,y", *rows, "1,2,c", "1,2,c"]))
    assert declnet_cli(*new, "--force", "--folds", "2").returncode == 0


def test_sentences_are_read_by_their_words(declnet_cli, tmp_path):
    rng = np.random.default_rng(3)
    words = ["today", "near", "the", "river", "we", "saw", "again", "one", "late", "alone"]
    texts = [" ".join(rng.permutation([*words, ("otter", "heron")[row % 2]])) for row in range(60)]
    both = [f"{text},{row % 7},{row % 2}" for row, text in enumerate(texts)]
    alone = [f"{text},{row % 2}" for row, text in enumerate(texts)]
    for header, rows, others in (
        ("note,size,kind", both, ", in addition to the other columns"),
        ("note,kind", alone, ""),
    ):
        (tmp_path / "t.csv").write_text("\n".join([header, *rows]))
        new = ("new", "s.toml", "--data", "t.csv", "--target", "kind", "--force")
        done = declnet_cli(*new)
        first, *_ = done.stderr.splitlines()
        words = "by its words and pairs of words"
        assert first == f'note: column "note" is read as text, {words}{others}'
        assert declnet_cli(*new, "--preset", "realmlp_td").returncode == 0
        declnet_cli.succeeds("run", "s.toml", "--set", "training.epochs=1", "--quiet")


def test_many_names_are_left_out_with_a_suggestion(declnet_cli, tmp_path):
    """A spec with the column that the note suggests is valid."""
    names = [f"{a}-{b}{c}" for a in "ABCD" for b in "0123" for c in "wxyz"]
    rows = [f"{name},{row % 9},{row % 2}" for row, name in enumerate(names)]
    (tmp_path / "t.csv").write_text("\n".join(["code,size,y", *rows]), "utf-8")
    new = ("new", "spec.toml", "--data", "t.csv", "--target", "y")
    done = declnet_cli(*new, "--preset", "mlp")
    assert declnet_cli(*new, "--force", "--preset", "realmlp_td").stderr == done.stderr
    declnet_cli(*new, "--preset", "mlp", "--force")
    column = '{ name = "code", type = "characters" }'
    note, _ = done.stderr.splitlines()
    assert note.startswith(
        'note: column "code" is left out: 64 different texts in 64 rows, without spaces; to read'
    )
    assert note.endswith(column)
    text = (tmp_path / "spec.toml").read_text("utf-8")
    (tmp_path / "read.toml").write_text(
        text.replace("columns = [", f"columns = [{column}, "), "utf-8"
    )
    declnet_cli.succeeds("check", "read.toml")
    assert [*load_spec(tmp_path / "read.toml").data.inputs] == ["text", "table"]
