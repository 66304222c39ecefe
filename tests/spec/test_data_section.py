"""Help for common mistakes in `[data]`."""

from __future__ import annotations

import tomllib

import pytest

from declnet import RunResult, SpecError, parse_spec, run
from declnet.training.checks.check import check_spec


@pytest.mark.parametrize("target", ["price", "net price", ["price", "net price"], None])
@pytest.mark.parametrize(
    "steps",
    [
        ["standardize"],
        "standardize",
        {"type": "standardize"},
        [{"type": "log"}, "standardize"],
        [{"type": "clip", "low": 0.5}, "standardize"],
    ],
)
def test_transforms_of_targets_without_a_name_are_answered_with_a_table(
    document, tmp_path, target, steps
):
    if target is not None:
        rows = [f"{row},{row % 7 + 1},{row % 5 + 1}" for row in range(30)]
        (tmp_path / "homes.csv").write_text("\n".join(["size,price,net price", *rows]))
        path = str(tmp_path / "homes.csv")
        key = "target" if isinstance(target, str) else "targets"
        document["data"]["train"] = {"type": "csv", "path": path, key: target}
    document["data"]["prepare_targets"] = steps
    with pytest.raises(SpecError) as caught:
        parse_spec(document)
    (problem,) = caught.value.problems
    assert problem.path == ("data", "prepare_targets")
    assert problem.message == (
        '"prepare_targets" must be a table with a list of transforms for each target'
    )
    written = problem.help.removeprefix("write ")
    if ", …" in written:
        return
    document["data"] |= tomllib.loads(written)
    if isinstance(target, str):
        document["data"]["train"]["features"] = ["size"]
        document["model"]["layers"] = [{"type": "dense", "units": 1}]
        document |= {"loss": "mean_squared_error", "training": {"epochs": 1}}
        assert check_spec(parse_spec(document)).errors == ()
    names = target if isinstance(target, list) else [target or "y"]
    assert list(parse_spec(document).data.prepare_targets) == names


def test_a_fraction_of_0_and_one_fold_mean_a_single_run_on_all_rows(document):
    document["data"] |= {"validation": 0, "test": 0.0, "folds": 1}
    data = parse_spec(document).data
    assert (data.validation, data.test, data.folds) == (None, None, None)
    document["data"] |= {"folds": 3, "test": 0.5}
    single = parse_spec(document, overrides={"data.folds": 1, "data.test": 0})
    assert isinstance(run(single), RunResult)
    assert isinstance(run(document, folds=1), RunResult)
    for key, value, message in (("test", -0.1, "at least 0 and less"), ("folds", 0, "at least 1")):
        with pytest.raises(SpecError, match=message):
            parse_spec(document, overrides={f"data.{key}": value})
