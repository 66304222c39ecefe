"""Groups in a list of runs: their means, and damaged files, which do not affect the runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from declnet.runs.display.run_tables import runs_table
from declnet.runs.distribution import mean_and_deviation
from declnet.runs.listed_groups import ListedGroup, grouped
from declnet.runs.many.series import spread
from declnet.runs.storage.listing import ListedRun

FILE = {"kind": "seeds", "status": "finished", "tasks": [{}, {}], "metric": None, "seconds": 2.5}
HUGE = 1.7e308


def seed(number, loss):
    return ListedRun(
        Path("group", f"seed-{number}"),
        "finished",
        "2026-01-01T00:00:00.000+00:00",
        1.0,
        3,
        {"train": {"loss": loss}},
        {"loss": "lower"},
        True,
        {},
    )


def listed(folder, file, *losses):
    (folder / "group").mkdir()
    (folder / "group" / "group.json").write_text(json.dumps(file), "utf-8")
    return grouped(folder, [seed(number, loss) for number, loss in enumerate(losses)])


@pytest.mark.parametrize(
    "damage",
    [
        {"kind": 1},
        {"status": None},
        {"tasks": 7},
        {"tasks": {"a": 1}},
        {"metric": ["loss"]},
        {"seconds": "long"},
        {"seconds": [1]},
        {"seconds": 1e999},
    ],
)
def test_a_group_with_a_damaged_file_is_listed_as_its_runs(damage, tmp_path):
    entries = listed(tmp_path, FILE | damage, 1.0, 2.0)
    assert [type(entry) for entry in entries] == [ListedRun, ListedRun]
    assert runs_table(entries).rows


def test_the_runs_of_a_group_have_a_mean_and_a_deviation(tmp_path):
    (entry,) = listed(tmp_path, FILE, 1.0, 2.0, 4.5)
    assert isinstance(entry, ListedGroup)
    of_series = spread([1.0, 2.0, 4.5])
    assert entry.metrics == {"train": {"loss": of_series.mean}}
    assert entry.deviations == {"train": {"loss": of_series.standard_deviation}}
    assert (entry.seconds, entry.planned) == (2.5, 3)


@pytest.mark.parametrize("losses", [(HUGE, HUGE), (HUGE, -HUGE), (1.0, None), (1.0, np.inf)])
def test_numbers_that_are_huge_or_missing_are_shown(losses, tmp_path):
    (entry,) = listed(tmp_path, FILE, *losses)
    known = all(loss is not None and np.isfinite(loss) for loss in losses)
    assert entry.metrics["train"]["loss"] == (sum(loss / 2 for loss in losses) if known else None)
    assert runs_table([entry]).rows


@pytest.mark.parametrize("exponent", [-300, 0, 300])
def test_means_and_deviations_equal_numpys(exponent):
    values = np.array([1.5, -2.25, 8.0, 3.0]) * 10.0**exponent
    mean, deviation = mean_and_deviation(values.tolist())
    scaled = values / 10.0**exponent
    np.testing.assert_allclose(mean, scaled.mean() * 10.0**exponent)
    np.testing.assert_allclose(deviation, scaled.std(ddof=1) * 10.0**exponent)
    assert mean_and_deviation([HUGE, HUGE * 0.5])[1] == pytest.approx(HUGE * 0.125**0.5)
