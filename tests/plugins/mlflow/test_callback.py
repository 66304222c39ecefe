"""The callback `mlflow`: single runs on its server, and runs with a common parent."""

from __future__ import annotations

import importlib.util

import pytest

from declnet import GroupedRun, open_group, parse_spec, resume, run
from declnet.contracts.runs.callback import EpochLogged
from declnet.training.checks.check import check_spec

MISSING = [
    name
    for name in ("mlflow", "pandas", "sqlalchemy", "alembic")
    if not importlib.util.find_spec(name)
]
needs_mlflow = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
pytestmark = [
    pytest.mark.xdist_group("mlflow"),
    pytest.mark.filterwarnings("ignore"),  # MLflow's and SQLAlchemy's own
]

PARENT = "mlflow.parentRunId"


@pytest.fixture
def tracked_document(document, database, tmp_path, monkeypatch, request):
    """A spec with an experiment for this test only."""
    monkeypatch.chdir(tmp_path)
    document["data"] |= {"test": document["data"]["train"]}
    document["training"] |= {"epochs": 6}
    document["training"]["callbacks"] = [
        {"type": "mlflow", "tracking_uri": database, "experiment": request.node.name},
        {"type": "checkpoint", "every_epochs": 2},
    ]
    return document


@pytest.fixture
def tracked(database, request):
    """The client, and the runs of this test's experiment, oldest first."""

    def find():
        from mlflow.tracking import MlflowClient

        client = MlflowClient(database)
        experiment = client.get_experiment_by_name(request.node.name)
        result = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"])
        return client, result

    return find


def failing(at):
    def fail(event):
        if isinstance(event, EpochLogged) and event.epoch == at:
            raise ValueError("a failure")

    return fail


@needs_mlflow
@pytest.mark.parametrize("at", [1, 5])  # before the first checkpoint, and after
def test_a_run_that_failed_and_was_resumed_is_one_run_with_each_epoch_once(
    tracked_document, tracked, tmp_path, at
):
    with pytest.raises(ValueError, match="a failure"):
        run(parse_spec(tracked_document), out=tmp_path / "out", listener=failing(at))
    assert tracked()[1][0].info.status == "FAILED"
    result = resume(tmp_path / "out")
    client, (actual,) = tracked()
    assert (actual.info.status, actual.info.run_name) == ("FINISHED", "small")
    assert actual.data.params["model.layers.0.units"] == "4"
    assert actual.data.params["optimizer.type"] == "sgd"
    assert actual.data.tags["declnet.directory"] == str(tmp_path / "out")
    assert PARENT not in actual.data.tags
    for name in ("loss", "accuracy", "learning_rate"):
        history = client.get_metric_history(actual.info.run_id, name)
        assert {run.step: run.value for run in history} == {
            row["epoch"]: row[name] for row in result.history
        }
        assert len(history) == 6
    assert actual.data.metrics["test_loss"] == result.metrics["test"]["loss"]
    assert len(actual.outputs.model_outputs) == 1


@needs_mlflow
def test_a_run_whose_process_was_killed_at_its_end_is_ended_by_resume(
    tracked_document, tracked, tmp_path
):
    directory = run(parse_spec(tracked_document), out=tmp_path / "out").directory
    files = {path: path.read_bytes() for path in directory.iterdir() if path.is_file()}
    client, (ended,) = tracked()
    client.update_run(ended.info.run_id, status="RUNNING")  # as if killed at its end
    result = resume(directory)
    for _ in range(2):  # resuming again changes nothing
        client, (actual,) = tracked()
        assert (actual.info.status, actual.info.run_id) == ("FINISHED", ended.info.run_id)
        assert len(actual.outputs.model_outputs) == 1
        resume(directory)
    history = client.get_metric_history(actual.info.run_id, "test_loss")
    assert {(run.step, run.value) for run in history} == {(5, result.metrics["test"]["loss"])}
    assert files == {path: path.read_bytes() for path in directory.iterdir() if path.is_file()}
    (directory / "mlflow.json").unlink()  # as in a run that was copied without it
    resume(directory)
    assert len(tracked()[1]) == 1


@needs_mlflow
def test_folds_that_were_resumed_have_one_parent_with_the_best_of_them(
    tracked_document, tracked, tmp_path
):
    del tracked_document["data"]["test"]
    tracked_document["data"] |= {"folds": 3}
    started = []

    def fail_in_the_second(event):
        started.append(event)
        if len(started) == 6 + 2:
            raise ValueError("a failure")

    with pytest.raises(ValueError, match="a failure"):
        run(
            parse_spec(tracked_document),
            out=tmp_path / "out",
            listener=fail_in_the_second,
            jobs=1,
        )
    client, (parent, *_) = tracked()
    assert (parent.info.run_name, parent.info.status) == ("out", "FAILED")
    client.update_run(tracked()[1][1].info.run_id, status="RUNNING")  # as if killed at its end
    resume(tmp_path / "out")
    ensemble = open_group(tmp_path / "out")
    client, (parent, *children) = tracked()
    assert [child.data.tags[PARENT] for child in children] == [parent.info.run_id] * 3
    assert [child.data.params["fold"] for child in children] == ["1", "2", "3"]
    assert {run.info.status for run in (parent, *children)} == {"FINISHED"}
    assert [len(run.outputs.model_outputs) for run in (parent, *children)] == [1] * 4
    assert parent.data.params == {"fold": "1, 2, 3"}
    best = max(ensemble.runs, key=lambda run: run.metrics["validation"]["accuracy"])
    assert parent.data.metrics["validation_accuracy"] == best.metrics["validation"]["accuracy"]
    assert parent.data.tags["declnet.best"] == str(best.path)


@needs_mlflow
@pytest.mark.parametrize("moment", ["before MLflow", "before the record"])
def test_a_parent_whose_process_was_killed_at_the_end_is_ended_by_resume(
    tracked_document, tracked, tmp_path, moment, monkeypatch
):
    class Killed(BaseException):
        """The end of the process."""

    def killed(*_, **__):
        raise Killed

    tracked_document["data"]["folds"] = 2
    step = "training.finish_group" if moment == "before MLflow" else "group.Group.note"
    with monkeypatch.context() as patched:
        patched.setattr(f"declnet.runs.many.{step}", killed)
        with pytest.raises(Killed):
            run(parse_spec(tracked_document), out=tmp_path / "out", jobs=1)
    assert [run.info.status for run in tracked()[1]] == ["RUNNING", "FINISHED", "FINISHED"]
    for _ in range(2):  # resuming again changes nothing
        resume(tmp_path / "out")
        assert {run.info.status for run in tracked()[1]} == {"FINISHED"}


@needs_mlflow
def test_an_interrupted_parent_is_killed_until_it_is_resumed(tracked_document, tracked, tmp_path):
    tracked_document["data"]["folds"] = 2

    def interrupt(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(parse_spec(tracked_document), out=tmp_path / "out", listener=interrupt, jobs=1)
    assert [run.info.status for run in tracked()[1]] == ["KILLED", "KILLED"]
    seen = []
    resume(
        tmp_path / "out",
        jobs=1,
        listener=lambda _: seen or seen.append(tracked()[1][0].info.status),
    )
    assert seen == ["RUNNING"]
    assert {run.info.status for run in tracked()[1]} == {"FINISHED"}


def test_missing_mlflow(tracked_document, monkeypatch):
    monkeypatch.setattr("declnet_plugins.mlflow.callback.find_spec", lambda name: None)
    (problem,) = check_spec(parse_spec(tracked_document)).problems
    assert "needs MLflow" in problem.message
    assert problem.help == 'pip install "declnet[mlflow]"'


@needs_mlflow
def test_a_parent_that_ends_again_logs_its_new_values(database, tracked, tmp_path, request):
    from declnet_plugins.mlflow.callback import Mlflow

    callback = Mlflow(tracking_uri=database, experiment=request.node.name)
    rates = [0.1, 0.2, *range(1, 400)]
    runs = [
        GroupedRun(tmp_path / str(rate), tmp_path, {"optimizer.rate": rate}, "finished", {})
        for rate in rates
    ]
    tags = []
    for count in (1, 2, len(runs)):  # like a study that gets more time
        callback.group_finished(runs[:count], None)
        _, (parent,) = tracked()
        assert parent.info.status == "FINISHED"
        assert parent.data.params == {"optimizer.rate": "0.1"}
        tags.append(parent.data.tags.get("declnet.values.optimizer.rate"))
    assert tags[:2] == [None, "0.1, 0.2"]
    assert tags[2].startswith("0.1, 0.2, 1, 2, 3, ")
