"""The checks of the conformance kit for panels."""

from html import escape
from itertools import count
from pathlib import Path

import pytest

from declnet import ResultTable
from declnet.testing import check_component
from declnet_plugins.report import ReportPanel

NUMBERS = count()


class Name(ReportPanel):
    """The name of the run."""

    type = "name_of_the_run"

    def render(self, run):
        return f"<p>{escape(run.name)}</p>"


def broken(render):
    return type("Broken", (Name,), {"type": "broken", "render": render, "__doc__": "Wrong."})


def numbered(self, run):
    return (ResultTable("numbers", ("n",), ((next(NUMBERS),),)),)


def test_a_correct_panel_passes():
    assert check_component(Name).succeeded


@pytest.mark.parametrize(
    ("cls", "check", "words"),
    [
        (broken(lambda self, run: f"<p>{next(NUMBERS)}</p>"), "shows_a_run", "other HTML"),
        (broken(lambda self, run: "<p>"), "shows_a_run", "not closed"),
        (broken(lambda self, run: f"<p>{run.name}</p>"), "shows_a_run", "html.escape"),
        (
            broken(lambda self, run: f"<p>{1 // (run.manifest.status == 'finished')}</p>"),
            "shows_an_incomplete_run",
            "ZeroDivisionError",
        ),
        (
            type(
                "Tables",
                (ReportPanel,),
                {"type": "broken", "tables": numbered, "__doc__": "Wrong."},
            ),
            "shows_a_run",
            "tables() gives others",
        ),
        (
            broken(lambda self, run: Path(run.path, "history.jsonl").read_text()[:0]),
            "shows_an_incomplete_run",
            "FileNotFoundError",
        ),
    ],
    ids=[
        "counts",
        "not_closed",
        "does_not_escape",
        "needs_its_end",
        "other_tables",
        "reads_a_file",
    ],
)
def test_a_broken_panel_fails(cls, check, words):
    report = check_component(cls, raise_on_failure=False)
    failed = {outcome.check: outcome.message for outcome in report.failed}
    assert words in failed[check]
