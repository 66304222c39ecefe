"""Optuna's studies: shared by several folders, searched in a grid, and errors of the database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from declnet import Dimension, RunError, StudyContext
from declnet_plugins.optuna.searcher import OptunaSearcher

from ...postgresql import PASSWORD, running_server

pytest.importorskip("optuna")
ENV = "DECLNET_TEST_SECRET"

SPACE = (
    Dimension("optimizer", choices=("sgd", "adam")),
    Dimension("optimizer.momentum", 0.0, 0.9, conditions=(("optimizer", ("sgd",)),)),
    Dimension("optimizer.learning_rate", 1e-4, 0.1, log=True),
)
GRID = (
    Dimension("optimizer", choices=("sgd", "adam")),
    Dimension("optimizer.momentum", 0.0, 0.5, 0.25, conditions=(("optimizer", ("sgd",)),)),
    Dimension("model.layers.0.units", 8, 24, 8),
)


@pytest.fixture
def context(tmp_path):
    return StudyContext("shared", tmp_path, SPACE, "validation.loss", "lower", 1, 12, 3, "here")


def run_trials(study, most=100):
    """Run trials, with an objective for each; return the values that this process tried."""
    result = []
    while len(result) < most and (trial := study.ask()) is not None:
        value = abs(trial.values.get("optimizer.learning_rate", 0.01) - 0.01)
        study.report(trial.number, 0, value)
        study.tell(trial.number, "finished", value, 0.1)
        result.append(dict(trial.values))
    return result


def test_a_grid_has_each_point_once_and_ends(context):
    searcher = OptunaSearcher(sampler="grid")
    for worker in ("here", "there"):
        study = searcher.open(replace(context, space=GRID, worker=worker))
        run_trials(study, 5 if worker == "here" else 100)
        result = [tuple(sorted(trial.values.items())) for trial in study.trials()]
        study.close()
    assert len(result) == len(set(result)) == 3 * 3 + 3  # adam has no momenta


def test_folders_share_a_study_and_keep_their_own_trials(context, tmp_path):
    searcher = OptunaSearcher(storage=f"sqlite:///{tmp_path / 'one.db'}")
    here, there = (searcher.open(replace(context, worker=worker)) for worker in ("here", "there"))
    mine, other = here.ask(), there.ask()
    assert (mine.number, other.number) == (0, 1)
    there.tell(1, "pruned", None, 0.5)
    assert [(trial.state, trial.worker) for trial in here.trials()] == [
        ("running", "here"),
        ("pruned", "there"),
    ]
    here.close()
    again = searcher.open(context)  # as after a kill
    assert again.report(0, 0, 0.5) is False
    again.tell(0, "finished", 0.5, 1.0)
    again.tell(0, "failed", None, 1.0)
    assert [(trial.state, trial.value, trial.seconds) for trial in there.trials()] == [
        ("finished", 0.5, 1.0),
        ("pruned", None, 0.5),
    ]
    for study in (again, there):
        study.close()


def test_a_study_of_another_space_is_refused_by_its_name(context, tmp_path):
    searcher = OptunaSearcher(storage=f"sqlite:///{tmp_path / 'one.db'}", study="mine")
    searcher.open(context).close()
    with pytest.raises(RunError, match=r'one.db: its study "mine" has another space'):
        searcher.open(replace(context, space=GRID))
    with pytest.raises(RunError, match="another objective, better"):
        searcher.open(replace(context, objective="validation.accuracy", better="higher"))


def test_a_pruner_decides_once_and_a_resumed_trial_gets_the_same_answer(context):
    searcher = OptunaSearcher(sampler="random", pruner="median")
    study = searcher.open(context)
    run_trials(study, 6)
    trial = study.ask()
    answers = [study.report(trial.number, step, value) for step, value in ((0, 0.0), (1, 9.0))]
    study.close()
    again = searcher.open(context)
    assert [again.report(trial.number, step, 9.0) for step in (0, 1)] == answers
    again.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "sqlite:////no/such/folder/study.db",
            "/no/such/folder/study.db: cannot be opened: unable",
        ),
        ("postgresql://me@localhost:1/studies", "postgresql://me@localhost:1/studies: cannot be"),
        ("nosuchdb://me@localhost/studies", 'no SQLAlchemy dialect "nosuchdb"'),
    ],
)
def test_a_database_that_cannot_be_reached_is_named(context, url, message, monkeypatch):
    pytest.importorskip("psycopg")
    monkeypatch.setenv(ENV, "hunter2")
    searcher = OptunaSearcher(storage=url, password_env=None if "sqlite" in url else ENV)
    with pytest.raises(RunError) as error:
        searcher.open(context)
    assert message in str(error.value)
    assert "hunter2" not in str(error.value)
    assert [diagnostic.path for diagnostic in searcher.check_study(context)] == (
        [] if "sqlite" in url else [("storage",)]
    )


def test_a_server_shares_a_study_and_no_message_has_the_password(context, monkeypatch):
    with running_server() as server:
        searcher = OptunaSearcher(storage=server.url, password_env=ENV)
        monkeypatch.setenv(ENV, PASSWORD)
        assert list(searcher.check_study(context)) == []
        here, there = (
            searcher.open(replace(context, worker=worker)) for worker in ("here", "there")
        )
        for _ in range(3):
            run_trials(here, 1)
            run_trials(there, 1)
        assert [trial.worker for trial in here.trials()] == ["here", "there"] * 3
        assert here.trials() == there.trials()
        for study in (here, there):
            study.close()
        monkeypatch.setenv(ENV, f"{PASSWORD}x")
        with pytest.raises(RunError, match="password authentication failed") as error:
            searcher.open(context)
        assert PASSWORD not in str(error.value)


def test_the_statements_of_a_trial_do_not_grow_with_the_study(context):
    """Sampling and pruning use memory, unless another process shares the study."""
    from sqlalchemy import Engine, event

    statements = []

    def count(_connection, _cursor, statement, *_):
        statements.append(statement)

    study = OptunaSearcher(sampler="random", pruner="median").open(context)
    event.listen(Engine, "before_cursor_execute", count)
    try:
        counts = []
        for _ in range(8):
            statements.clear()
            assert len(study.trials()) == len(counts)
            trial = study.ask()
            for step in range(100):
                study.report(trial.number, step, 1.0)
            study.tell(trial.number, "finished", 1.0, 0.1)
            counts.append(len(statements))
    finally:
        event.remove(Engine, "before_cursor_execute", count)
        study.close()
    assert len(set(counts[1:])) == 1
    assert counts[1] < 30
