"""Specs with members: inherited keys, and errors at their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from declnet import SpecError, load_spec, parse_spec
from declnet.spec.model import resolved_document

SHARED = """\
declnet = 1
seed = 7
[data.train]
type = "csv"
path = "rows.csv"
target = "kind"
[loss]
type = "categorical_crossentropy"
[optimizer]
type = "sgd"
[training]
epochs = 3
"""
SMALL = '[[members]]\nname = "small"\nmodel.layers = [{ type = "dense", units = 2 }, "softmax"]\n'
LARGE = '[[members]]\nspec = "models/large.toml"\noptimizer.learning_rate = 0.5\n'
FILE = """\
declnet = 1
[data.train]
path = "other.csv"
[optimizer]
type = "adam"
[model]
layers = [{ type = "dense", units = 64 }, "relu", { type = "dense", units = 2 }, "softmax"]
"""


@pytest.fixture
def written(tmp_path):
    (tmp_path / "models").mkdir()

    def write(members=SMALL + LARGE, file=FILE, top=""):
        (tmp_path / "models/large.toml").write_text(file)
        (tmp_path / "blend.toml").write_text(SHARED.replace("seed", f"{top}seed", 1) + members)
        return tmp_path / "blend.toml"

    return write


def test_a_member_is_merged_from_shared_keys_its_file_and_its_own_keys(written, tmp_path):
    spec = load_spec(written())
    small, large = (member.spec for member in spec.members.members)
    assert (spec.name, small.name, large.name) == ("blend", "small", "large")
    assert (small.seed, large.seed, large.training.epochs) == (7, 7, 3)
    assert (small.optimizer.type, large.optimizer.type) == ("sgd", "adam")
    assert large.optimizer.learning_rate == 0.5
    assert [layer.type for layer in small.model.layers] == ["dense", "softmax"]
    assert len(large.model.layers) == 4
    # paths are relative to the file that has them
    assert small.data.train.path == tmp_path / "rows.csv"
    assert large.data.train.path == tmp_path / "models/other.csv"
    again = parse_spec(resolved_document(spec), folder=Path("/"))
    assert [member.spec for member in again.members.members] == [small, large]
    assert [member.weight for member in again.members.members] == [1.0, 1.0]


ERRORS = {
    "one": (SMALL, FILE, "", "at least two members, not 1", "[[members]]", 13),
    "same_name": (SMALL * 2, FILE, "", 'two members are named "small"', "[[members]]", 16),
    "both": (
        SMALL + LARGE + "weight = 2\n",
        FILE,
        'weights = "selected"\n',
        "chooses the weight of each member",
        "weight = 2",
        20,
    ),
    "no_validation": (
        SMALL + LARGE,
        FILE,
        'weights = "selected"\n',
        'validation data, which "small" does not have',
        "weights",
        2,
    ),
    "in_the_file": (SMALL + LARGE, FILE + "x = 1\n", "", 'unknown key "x"', "x = 1", 8),
    "sweep": (
        SMALL + LARGE + "[sweep]\nseed = [1, 2]\n",
        FILE,
        "",
        "either [sweep] or [[members]]",
        "[sweep]",
        19,
    ),
}


@pytest.mark.parametrize(
    ("members", "file", "top", "message", "text", "line"), ERRORS.values(), ids=ERRORS
)
def test_an_error_in_a_member_has_its_place(written, members, file, top, message, text, line):
    """Errors in the members of a single file are in the gallery."""
    with pytest.raises(SpecError) as refused:
        load_spec(written(members, file, top))
    (problem,) = refused.value.problems
    assert message in f"{problem.message} {problem.help}"
    assert (problem.place.line, text in problem.place.text) == (line, True)
