"""MLflow: a run for each run, a parent for a sweep, a study, or several seeds or folds.

The client is used, not MLflow's functions such as `mlflow.start_run`, whose active run is global:
several runs may train in threads of one process.
"""

import json
import math
import os
import tempfile
import time
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import Field

from declnet import (
    Callback,
    DeclnetError,
    DeclnetWarning,
    Diagnostic,
    EpochLogged,
    ForkSafeLock,
    GroupedRun,
    Run,
    RunContext,
    grouped_run,
    is_predictor,
)

LONGEST_VALUE = 500

AT_ONCE = 100
"""Maximum number of characters in a parameter and parameters in a request that every server
accepts."""

KEY_FILE = "mlflow.json"
"""In the folder of a run or group: the key that its MLflow run has as a tag, made before it."""

KEY, DIRECTORY, PARENT = "declnet.key", "declnet.directory", "mlflow.parentRunId"

MODEL = "model"
"""The name of a logged model, so that its address is `runs:/RUN/model`."""

_making = ForkSafeLock()


def _warn(message: str) -> None:
    warnings.warn(message, DeclnetWarning, stacklevel=2)


@dataclass
class Tracked:
    """The client, the MLflow run's ID, the last epoch sent, the run's folder, and who warns."""

    client: Any
    run_id: str
    last: int
    directory: Path | None = None
    warn: Callable[[str], None] = _warn


class Mlflow(Callback):
    """A run of MLflow: each key of the spec as a parameter, each number of the history as a metric.

    Metrics keep their history names, with the epoch as step; test metrics are `test_loss` and so
    on. NaN and infinite values are left out. The spec's keys are logged if the run has a folder. A
    resumed run continues the same MLflow run.

    The runs of a sweep, a study, or of several seeds or folds are the children of a run of their
    own, which ends with them: its parameters are the values that vary, its metrics those of the
    best run. It runs again if they are resumed.

    The trained model is logged as `model`, with what MLflow needs to load and serve it. Folds,
    seeds or members that are used as one model are logged as one with the parent. Needs the extra
    `mlflow`; sends to the server in `tracking_uri`.
    """

    type = "mlflow"
    examples = ({"tracking_uri": "http://localhost:5000", "experiment": "spirals"},)
    works_outside = True

    tracking_uri: str | None = Field(
        default=None,
        description="server or database, e.g. http://localhost:5000 or sqlite:///mlflow.db; "
        "default: the one that MLflow is configured for",
    )
    experiment: str = Field(
        default="declnet", min_length=1, description="name of the experiment; created if missing"
    )
    log_model: bool = Field(
        default=True, description="whether to log the trained model, if the run has a folder"
    )

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require the libraries."""
        if find_spec("mlflow") is None or (self.log_model and find_spec("pandas") is None):
            yield Diagnostic("the callback mlflow needs MLflow", 'pip install "declnet[mlflow]"')

    def start(self, run: Run) -> Tracked:
        """Start an MLflow run and log the spec's keys; continue the MLflow run of a killed run."""
        if run.directory is None:
            client = self._client()
            run_id = client.create_run(self._experiment(client), run_name=run.name).info.run_id
            return Tracked(client, run_id, -1)
        grouped, tags = grouped_run(run.directory), {}
        with _key_of(grouped.group if grouped is not None else run.directory):
            client = self._client()  # only one at a time can make the tables of a new database
        keys = dict(_leaves(tomllib.loads((run.directory / "spec.toml").read_text("utf-8"))))
        if grouped is not None:
            tags[PARENT] = self._run_of(client, grouped.group, grouped.group.name)
            keys = {key: _in_words(value) for key, value in grouped.values.items()} | keys
        run_id = self._run_of(client, run.directory, run.name, tags)
        _log_params(client, run_id, keys)
        return replace(self._continued(client, run_id, run.directory), warn=run.warn)

    def save(self, state: Tracked) -> dict[str, Any]:
        """Return the MLflow run's ID."""
        return {"run_id": state.run_id}

    def restore(self, run: Run, saved: dict[str, Any]) -> Tracked:
        """Continue the same MLflow run; repeated epochs log identical values."""
        tracked = self._continued(self._client(), saved["run_id"], run.directory)
        return replace(tracked, warn=run.warn)

    def epoch_finished(self, state: Tracked, epoch: EpochLogged) -> None:
        """Send the metrics."""
        if epoch.epoch > state.last:
            row = {name: value for name, value in epoch.row().items() if name != "epoch"}
            self._send(state, row, epoch.epoch)
            state.last = epoch.epoch

    def finished(self, state: Tracked, metrics: dict[str, dict[str, float]]) -> None:
        """Send the test metrics and the model, and end the run."""
        test = {f"test_{name}": value for name, value in metrics.get("test", {}).items()}
        self._send(state, test, state.last)
        if state.directory is not None:
            self._log_model(state.client, state.run_id, state.directory, state.warn)
        state.client.set_terminated(state.run_id, "FINISHED")

    def found_finished(self, directory: Path, metrics: dict[str, dict[str, float]]) -> None:
        """End the MLflow run if it still runs, since its process was killed before it did."""
        if not (directory / KEY_FILE).is_file():
            return
        client = self._client()
        with _key_of(directory) as key:
            tracked = self._keyed(client, key)
        if tracked is not None and tracked.info.status == "RUNNING":
            run_id = str(tracked.info.run_id)
            self.finished(self._continued(client, run_id, directory), metrics)

    def failed(self, state: Tracked, error: BaseException) -> None:
        """End the run, with status killed if it was interrupted."""
        state.client.set_terminated(state.run_id, _ending(error))

    def group_finished(self, runs: Sequence[GroupedRun], best: GroupedRun | None) -> None:
        """Send the values that vary, the best run's metrics and a joint model; end the parent.

        MLflow changes no parameter: if a study that continues tries more values, all of them are in
        the tag `declnet.values.<key>`.
        """
        client, group = self._client(), runs[0].group
        run_id = self._run_of(client, group, group.name)
        values: dict[str, dict[str, None]] = {}
        for run in runs:
            for key, value in run.values.items():
                values.setdefault(key, {})[_in_words(value)] = None
        joined = {key: ", ".join(texts)[:LONGEST_VALUE] for key, texts in values.items()}
        logged = client.get_run(run_id).data.params
        _log_params(client, run_id, {key: joined[key] for key in joined if key not in logged})
        for key, text in joined.items():
            if logged.get(key, text) != text:
                client.set_tag(run_id, f"declnet.values.{key}", text)
        if best is not None:
            client.set_tag(run_id, "declnet.best", str(best.directory))
            self._send(Tracked(client, run_id, -1), dict(_flat(best.metrics)), 0)
        unfinished = client.search_runs(
            [self._experiment(client)],
            f"tags.`{PARENT}` = '{run_id}' and attributes.status = 'RUNNING'",
        )
        ended = {str(run.directory) for run in runs if run.status == "finished"}
        for child in unfinished:  # killed between the run's end and the callback's
            if child.data.tags.get(DIRECTORY) in ended:
                directory = Path(child.data.tags[DIRECTORY])
                self._log_model(client, child.info.run_id, directory)
                client.set_terminated(child.info.run_id, "FINISHED")
        failed = any(run.status != "finished" for run in runs)
        if not failed and is_predictor(group):
            self._log_model(client, run_id, group)
        client.set_terminated(run_id, "FAILED" if failed else "FINISHED")

    def group_failed(self, group: Path, error: BaseException) -> None:
        """End the parent, with status killed if it was interrupted."""
        client = self._client()
        client.set_terminated(self._run_of(client, group, group.name), _ending(error))

    def _client(self) -> Any:
        from mlflow.tracking import MlflowClient

        return MlflowClient(self.tracking_uri)

    def _experiment(self, client: Any) -> str:
        """Return the number of the experiment, which is made if it is not there."""
        from mlflow.exceptions import MlflowException

        experiment = client.get_experiment_by_name(self.experiment)
        if experiment is None:
            with suppress(MlflowException):  # another process made it
                return str(client.create_experiment(self.experiment))
            experiment = client.get_experiment_by_name(self.experiment)
        return str(experiment.experiment_id)

    def _run_of(
        self, client: Any, folder: Path, name: str, tags: Mapping[str, str] | None = None
    ) -> str:
        """Return the ID of the MLflow run of a folder, which is created or continued.

        Only one thread at a time looks, also among processes, so there is never a second one.
        """
        with _key_of(folder) as key:
            tracked = self._keyed(client, key)
            if tracked is not None:
                run_id = str(tracked.info.run_id)
                if tracked.info.status != "RUNNING":
                    client.update_run(run_id, status="RUNNING")
                return run_id
            experiment = self._experiment(client)
            all_tags = {KEY: key, DIRECTORY: str(folder.absolute()), **(tags or {})}
            return str(client.create_run(experiment, tags=all_tags, run_name=name).info.run_id)

    def _keyed(self, client: Any, key: str) -> Any:
        """Return the MLflow run with a key, or None."""
        experiment, of_key = self._experiment(client), f"tags.`{KEY}` = '{key}'"
        return next(iter(client.search_runs([experiment], of_key, max_results=1)), None)

    def _log_model(
        self, client: Any, run_id: str, folder: Path, warn: Callable[[str], None] = _warn
    ) -> None:
        """Log the trained model of a run, or of a group whose models are used as one, once.

        One that cannot be loaded from its folder, such as one with classes that only a program
        registers, is not logged, which is a warning.
        """
        from mlflow.entities import LoggedModelOutput
        from mlflow.models import Model

        from declnet_plugins.mlflow.model import save_model

        run = client.get_run(run_id)
        if not self.log_model or (run.outputs is not None and run.outputs.model_outputs):
            return
        with tempfile.TemporaryDirectory(prefix="declnet-mlflow-") as temporary:
            path = Path(temporary, MODEL)
            try:
                save_model(folder, path, run_id=run_id)
            except DeclnetError as error:
                warn(f"the model is not logged in MLflow: {error}")
                return
            logged = client.create_logged_model(
                run.info.experiment_id, MODEL, run_id, params=run.data.params, model_type="declnet"
            )
            described = Model.load(str(path))
            described.model_id = described.model_uuid = logged.model_id
            described.artifact_path = logged.artifact_location
            described.save(str(path / "MLmodel"))
            client.log_model_artifacts(logged.model_id, str(path))
        client.finalize_logged_model(logged.model_id, "READY")
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])

    def _continued(self, client: Any, run_id: str, directory: Path | None = None) -> Tracked:
        client.update_run(run_id, status="RUNNING")  # of a checkpoint, it may have ended
        known = client.get_metric_history(run_id, "learning_rate")
        last = max((point.step for point in known), default=-1)
        return Tracked(client, run_id, last, directory)

    def _send(self, state: Tracked, values: Mapping[str, float | None], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        finite = {
            name: value
            for name, value in values.items()
            if value is not None and math.isfinite(value)
        }
        if finite:
            metrics = [Metric(name, float(value), now, step) for name, value in finite.items()]
            state.client.log_batch(state.run_id, metrics=metrics)


@contextmanager
def _key_of(folder: Path) -> Iterator[str]:
    """Return the key of a folder, made on first use, while no other thread or process has it."""
    with _making, (folder / KEY_FILE).open("a+", encoding="utf-8") as file:
        with suppress(ImportError, OSError):  # missing on some systems and network drives
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        try:
            key = str(json.load(file)["key"])
        except (ValueError, LookupError, TypeError):  # new, or truncated by a kill
            key = uuid4().hex
            file.truncate(0)
            file.write(json.dumps({"key": key}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        yield key


def _ending(error: BaseException) -> str:
    """Return MLflow's status of what an exception ended."""
    return "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"


def _log_params(client: Any, run_id: str, keys: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    params = [Param(key, str(value)[:LONGEST_VALUE]) for key, value in keys.items()]
    for first in range(0, len(params), AT_ONCE):
        client.log_batch(run_id, params=params[first : first + AT_ONCE])


def _flat(metrics: Mapping[str, Mapping[str, float | None]]) -> Iterator[tuple[str, float | None]]:
    """Yield metrics by their names in a history, for test data with the prefix `test_`."""
    for data, values in metrics.items():
        for name, value in values.items():
            yield (name if data == "train" else f"{data}_{name}"), value


def _in_words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value in a spec with its key, e.g. `model.layers.0.units`."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value
