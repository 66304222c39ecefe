"""mlflow: tracked data, read with MLflow's own client."""

from __future__ import annotations

import importlib.util

import pytest

from declnet import parse_spec, resume, run
from declnet.contracts.callback import EpochLogged
from declnet.training.checks.check import check_spec

MISSING = [
    name for name in ("mlflow", "sqlalchemy", "alembic") if not importlib.util.find_spec(name)
]


@pytest.fixture
def spec(document, tmp_path):
    document["data"] |= {"test": document["data"]["train"]}
    document["training"] |= {"epochs": 6}
    document["training"]["callbacks"] = [
        {"type": "mlflow", "tracking_uri": f"sqlite:///{tmp_path}/mlflow.db"},
        {"type": "checkpoint", "every_epochs": 2},
    ]
    return parse_spec(document)


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
@pytest.mark.filterwarnings("ignore")  # MLflow's and SQLAlchemy's own
def test_a_run_that_failed_and_was_resumed_is_one_run_with_each_epoch_once(
    spec, tmp_path, monkeypatch
):
    from mlflow.tracking import MlflowClient

    monkeypatch.chdir(tmp_path)

    def fail(event):
        if isinstance(event, EpochLogged) and event.epoch == 5:
            raise ValueError("a failure")

    def tracked():
        client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
        experiment = client.get_experiment_by_name("declnet")
        (found,) = client.search_runs([experiment.experiment_id])
        return client, found

    with pytest.raises(ValueError, match="a failure"):
        run(spec, out=tmp_path / "out", listener=fail)
    assert tracked()[1].info.status == "FAILED"
    result = resume(tmp_path / "out")
    client, found = tracked()
    assert (found.info.status, found.info.run_name) == ("FINISHED", "small")
    assert found.data.params["model.layers.0.units"] == "4"
    assert found.data.params["optimizer.type"] == "sgd"
    assert found.data.tags["declnet.directory"] == str(tmp_path / "out")
    for name in ("loss", "accuracy", "learning_rate"):
        history = client.get_metric_history(found.info.run_id, name)
        assert {each.step: each.value for each in history} == {
            row["epoch"]: row[name] for row in result.history
        }
        assert len(history) == 6
    assert found.data.metrics["test_loss"] == result.metrics["test"]["loss"]


def test_where_it_is_missing_that_is_told_before_the_run(spec, monkeypatch):
    monkeypatch.setattr("declnet_standard.callbacks.logs.find_spec", lambda name: None)
    (problem,) = check_spec(spec).problems
    assert "needs MLflow" in problem.message
    assert problem.help == 'pip install "declnet[mlflow]"'
