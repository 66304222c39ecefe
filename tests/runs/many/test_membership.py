"""What tells each run from the others of its group."""

from __future__ import annotations

from declnet import Journal, Task, grouped_run, parse_spec, run
from declnet.runs.many.beginning import study_file
from declnet.runs.many.journal import StoredJournal


def test_a_run_alone_has_no_group(document, tmp_path):
    run(parse_spec(document), out=tmp_path / "runs" / "one")
    assert grouped_run(tmp_path / "runs" / "one") is None
    run(parse_spec(document), out=tmp_path / "other", seeds=[1])
    (tmp_path / "other" / "group.json").rename(tmp_path / "runs" / "group.json")
    assert grouped_run(tmp_path / "runs" / "one") is None
    (tmp_path / "runs" / "group.json").write_text("[")
    assert grouped_run(tmp_path / "runs" / "one") is None


def test_a_trial_has_its_values_from_the_journal(document, tmp_path):
    document["data"]["validation"] = 0.5
    space = {"training.epochs": [3, 4], "training.log_every": [1, 2]}
    spec = parse_spec({**document, "tune": {"trials": 2, "space": space, "search": "grid"}})
    study_file(spec).write(tmp_path)
    values = {"training.epochs": 3, "training.log_every": 2}
    journal: Journal = StoredJournal(tmp_path, {}, writes=True)
    for seed in (0, 1):
        journal.ask(Task(f"trials/0003/seed-{seed}", values, seed, point="trials/0003"))
    run(spec, out=tmp_path / "trials/0003/seed-1")
    found = grouped_run(tmp_path / "trials/0003/seed-1")
    assert (found.group, found.values) == (tmp_path, {"trial": 3, **values, "seed": 1})
