"""What tells each run from the others of its group."""

from __future__ import annotations

import tomli_w

from declnet import grouped_run, parse_spec, run
from declnet.contracts.runs.searcher import StudyTrial
from declnet.runs.many.ensembles.recording import begin_ensemble
from declnet.runs.many.execution.tasks import tasks_of
from declnet.runs.many.groups.documents import (
    STUDY_FILE,
    STUDY_SUMMARY,
    StudyContent,
    StudySummary,
)


def test_a_run_alone_has_no_group(document, tmp_path):
    run(parse_spec(document), out=tmp_path / "runs" / "one")
    assert grouped_run(tmp_path / "runs" / "one") is None
    (tmp_path / "runs" / "ensemble.json").write_text('{"runs": [{"folder": "other"}, 3]}')
    assert grouped_run(tmp_path / "runs" / "one") is None
    (tmp_path / "runs" / "ensemble.json").write_text("[")
    assert grouped_run(tmp_path / "runs" / "one") is None


def test_a_trial_has_its_values_from_the_summary_or_before_from_its_spec(document, tmp_path):
    spec = parse_spec(document)
    document = {"tune": {"space": {"training.epochs": {}, "variables.width": {}}}}
    content = StudyContent("running", "", 0.0, "", str(tmp_path), tomli_w.dumps(document))
    (tmp_path / "study.json").write_bytes(STUDY_FILE.write(content))
    run(spec, out=tmp_path / "trials" / "0003")
    found = grouped_run(tmp_path / "trials" / "0003")
    assert (found.group, found.values) == (tmp_path, {"trial": 3, "training.epochs": 3})
    trial = StudyTrial(3, {"training.epochs": 3, "variables.width": 7}, "finished", 0.5)
    trials = (trial,)
    summary = StudySummary("s", "train.loss", "lower", "running", 0.0, None, {}, trials)
    (tmp_path / "summary.json").write_bytes(STUDY_SUMMARY.write(summary))
    found = grouped_run(tmp_path / "trials" / "0003")
    assert found.values == {"trial": 3, "training.epochs": 3, "variables.width": 7}
    tasks = tasks_of(spec, [0, 1], tmp_path / "trials" / "0004")
    begin_ensemble(tmp_path / "trials" / "0004", spec, tasks)
    found = grouped_run(tasks[1].directory)
    assert (found.group, found.values) == (tmp_path, {"trial": 4, "seed": 1})
