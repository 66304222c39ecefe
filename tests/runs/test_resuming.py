"""`resume`: a stopped run ends like an uninterrupted one, or reports why it cannot."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from declnet import (
    Callback,
    DataError,
    Dataset,
    OutputError,
    ResumeError,
    RunError,
    SpecError,
    parse_spec,
    resume,
    run,
)
from declnet.contracts.runs.callback import EpochLogged
from declnet.testing.examples import registry_with
from declnet.training import heartbeat
from declnet.training.epochs import Epoch
from declnet_plugins.standard.callbacks.logs import CsvLog

FILES = ("weights.safetensors", "history.jsonl", "metrics.json")


class Stop(Exception):
    """An exception that stands for the end of a process."""


def stop_at(epoch):
    def listener(event):
        if isinstance(event, EpochLogged) and event.epoch == epoch:
            raise Stop

    return listener


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The data file of all runs in this module."""
    path, labels = tmp_path_factory.mktemp("data") / "data.npz", np.arange(30) % 3
    noise = np.random.default_rng(5).normal(0, 0.5, (30, 2))
    np.savez(path, x=np.array([[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]])[labels] + noise, y=labels)
    return path


@pytest.fixture(scope="module")
def spec(data):
    """A spec with everything that a run depends on."""
    rate = {"type": "cosine", "initial_rate": 0.3}
    first = [{"type": "dense", "units": 4}, "batch_norm", "relu", {"type": "dropout", "rate": rate}]
    callbacks = [
        {"type": "early_stopping", "patience": 12},
        {"type": "reduce_on_plateau", "patience": 4, "factor": 0.5},
        {"type": "checkpoint", "every_epochs": 3, "keep_last": 2, "monitor": "validation_loss"},
        "csv_log",
    ]
    training = {"epochs": 40, "batch_size": 4, "log_every": 2, "metrics": ["accuracy"]}
    return parse_spec(
        {
            "declnet": 1,
            "data": {"train": {"type": "npz", "path": str(data)}, "validation": 0.3},
            "model": {
                "dtype": "float64",
                "layers": [*first, {"type": "dense", "units": 3}, "softmax"],
            },
            "loss": "categorical_crossentropy",
            "optimizer": {"type": "adam", "learning_rate": 0.2},
            "training": {**training, "callbacks": callbacks},
            "seed": 1,
        }
    )


@pytest.fixture(scope="module")
def whole(spec, tmp_path_factory):
    """The folder of a run that was never stopped."""
    return run(spec, out=tmp_path_factory.mktemp("whole") / "run").directory


@pytest.fixture
def stop(spec, tmp_path):
    """Run until a listener raises; return the folder."""

    def go(listener):
        with pytest.raises((Stop, KeyboardInterrupt)):
            run(spec, out=tmp_path / "stopped", listener=listener)
        return tmp_path / "stopped"

    return go


@pytest.fixture(scope="module")
def stopped_once(spec, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.raises(Stop):
        run(spec, out=folder, listener=stop_at(14))
    return folder


@pytest.fixture
def stopped(stopped_once, tmp_path):
    """The folder of a run that was stopped in epoch 14."""
    return Path(shutil.copytree(stopped_once, tmp_path / "stopped"))


def require_same(one, other, files=FILES):
    for name in files:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def manifest_of(directory):
    return json.loads((directory / "manifest.json").read_text())


def checkpoints_of(directory):
    entries = json.loads((directory / "checkpoints" / "index.json").read_text())
    return [(entry["file"], entry["best"]) for entry in entries]


@pytest.mark.parametrize("epoch", [0, 2, 4, 14, 18])
def test_it_ends_as_if_it_had_never_stopped(stop, whole, epoch):
    directory, notices = stop(stop_at(epoch)), []
    result = resume(directory, notice=notices.append)
    require_same(whole, directory, (*FILES, "history.csv"))
    assert manifest_of(directory)["stopped"] == manifest_of(whole)["stopped"]
    assert result.history == [
        json.loads(line) for line in (whole / "history.jsonl").read_text().splitlines()
    ]
    assert checkpoints_of(directory) == checkpoints_of(whole)
    assert [best for _, best in checkpoints_of(whole)] == [True, False, False]
    (entry,) = manifest_of(directory)["resumed"]
    assert epoch // 3 * 3 <= entry["from_epoch"] <= epoch
    assert entry["from_step"] == entry["from_epoch"] * 6
    assert entry["changes"] == []
    text = f"resuming at epoch {entry['from_epoch']}," if epoch else "no checkpoint"
    assert text in notices[-1]


def test_an_interrupted_run_loses_nothing_even_without_the_callback(document, tmp_path):
    document["training"] |= {"epochs": 20, "batch_size": 4}
    spec = parse_spec(document)
    whole = run(spec, out=tmp_path / "whole")
    heard = []

    def interrupting(event):
        heard.append(event)
        if isinstance(event, EpochLogged) and event.epoch == 7:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(spec, out=tmp_path / "out", listener=interrupting)
    manifest = manifest_of(tmp_path / "out")
    assert (manifest["status"], manifest.get("error")) == ("interrupted", None)
    heard.clear()
    resume(tmp_path / "out", listener=heard.append)
    assert heard[0].epoch == 8
    require_same(whole.directory, tmp_path / "out")
    assert not (tmp_path / "out" / "checkpoints").exists()
    assert "error" not in manifest_of(tmp_path / "out")


def test_a_signal_is_held_back_until_the_training_is_between_two_steps(
    document, tmp_path, monkeypatch
):
    monkeypatch.setattr(heartbeat, "HEARTBEAT", -1.0)
    monkeypatch.setattr(heartbeat, "PART", 0.0)
    document["training"] |= {"epochs": 4, "batch_size": 4}
    document["engine"] = {"kernels": "numpy"}  # compiled steps do not call the update
    spec, original, calls = parse_spec(document), Epoch.run, [0]
    whole = run(spec, out=tmp_path / "whole")

    def signalled(self, update, *arguments):
        def torn(step):
            calls[0] += 1
            if calls[0] == 11:
                signal.raise_signal(signal.SIGINT)
            return update(step)

        return original(self, torn, *arguments)

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(Epoch, "run", signalled)
        with pytest.raises(KeyboardInterrupt):
            run(spec, out=tmp_path / "out")
    assert signal.getsignal(signal.SIGINT) is before
    resume(tmp_path / "out")
    require_same(whole.directory, tmp_path / "out")
    (entry,) = manifest_of(tmp_path / "out")["resumed"]
    assert (entry["from_epoch"], entry["from_step"]) == (1, 11)


@pytest.mark.parametrize("where", ["evaluation", "callback"])
def test_an_interruption_after_the_training_loses_nothing(stop, whole, monkeypatch, where):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if where == "callback":
            patch.setattr(CsvLog, "finished", interrupted)
        else:
            patch.setattr("declnet.runs.session.calibrating", interrupted)
        directory = stop(lambda event: None)
    status = manifest_of(directory)["status"]
    assert status == ("finished" if where == "callback" else "interrupted")
    heard = []
    resume(directory, listener=heard.append)
    assert heard == []
    require_same(whole, directory, (*FILES, "history.csv"))


def damaged_checkpoint(directory):
    newest = sorted((directory / "checkpoints").glob("*.safetensors"))[-1]
    newest.write_bytes(newest.read_bytes()[:1000])


def all_checkpoints_damaged(directory):
    for file in (directory / "checkpoints").iterdir():
        file.write_bytes(b"[" * 100_000)


def shorter_history(directory):
    history = directory / "history.jsonl"
    history.write_text("".join(history.read_text().splitlines(keepends=True)[:3]))


def half_written(directory):
    with (directory / "history.jsonl").open("a") as file:
        file.write('{"epoch": 16, "lo')
    (directory / ".manifest.json.4711").write_text("{")
    (directory / "checkpoints" / ".index.json.4711").write_text("[")


def killed_before_the_manifest(directory):
    shutil.rmtree(directory / "checkpoints")
    for file in directory.iterdir():
        if file.name != "spec.toml":
            file.unlink()


@pytest.mark.parametrize(
    ("damage", "notices"),
    [
        (damaged_checkpoint, r".*step-\d+\.safetensors is damaged \(.*\nresuming at epoch .*"),
        (all_checkpoints_damaged, r".*index\.json is damaged.*\n.*starting over"),
        (shorter_history, r"(.*history\.jsonl has changed since.*\n)+.*starting over"),
        (half_written, r"resuming at epoch 14, .*"),
        (killed_before_the_manifest, ""),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_effects_of_a_kill_or_damage_are_reported_and_repaired(stopped, whole, damage, notices):
    messages = []
    before = checkpoints_of(stopped)
    damage(stopped)
    resume(stopped, notice=messages.append)
    assert re.fullmatch(notices, "\n".join(messages))
    require_same(whole, stopped)
    assert [path for path in stopped.rglob(".*") if path.is_file()] == []
    if damage is damaged_checkpoint:
        file, _ = before[-2]
        assert messages[1].endswith(f", after {int(file[5:14])} steps")


@pytest.mark.parametrize(
    ("file", "message"),
    [("history.jsonl", r"history\.jsonl: cannot be written"), ("history.csv", "csv_log")],
)
def test_a_disk_that_is_full_for_one_line_fails_the_run(document, tmp_path, file, message):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    document["training"] |= {"epochs": 9, "callbacks": ["csv_log"]}
    spec, out = parse_spec(document), tmp_path / "out"
    whole = run(spec, out=tmp_path / "whole").directory

    def fill(event):
        if isinstance(event, EpochLogged) and event.epoch in (4, 5):
            room = (out / file).stat().st_size + 10 if event.epoch == 4 else soft
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))

    try:
        with pytest.raises(RunError, match=message):
            run(spec, out=out, listener=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    resume(out)
    require_same(whole, out, (*FILES, "history.csv"))


def test_a_run_is_completely_on_disk_before_it_is_finished(spec, tmp_path, monkeypatch):
    synced, fsync, out = [], os.fsync, tmp_path / "new" / "run"

    def record(descriptor):
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    run(spec, out=out)
    backwards = synced[::-1]
    before = backwards[backwards.index((out / "manifest.json").stat().st_ino) + 1 :]
    for path in (tmp_path, out.parent, out, *(out / name for name in FILES)):
        assert path.stat().st_ino in before, path


def test_a_run_killed_at_any_file_operation_is_finished_by_resume_or_run(tmp_path):
    script = Path(__file__).with_name("killed_anywhere.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50


def test_callbacks_learn_that_a_run_had_already_finished(document, tmp_path):
    """A kill may have prevented their last call; a callback that fails now is a warning."""
    calls = []

    class Told(Callback):
        type = "told"

        def found_finished(self, directory, metrics):
            calls.append((directory, metrics))
            if len(calls) > 1:
                raise ConnectionError("the server is gone")

    registry = registry_with([Told])
    document["training"]["callbacks"] = ["told"]
    done = run(parse_spec(document, registry), out=tmp_path / "run", registry=registry)
    assert calls == []
    resume(tmp_path / "run", registry=registry)
    assert calls == [(tmp_path / "run", done.metrics)]
    warned = []
    resume(tmp_path / "run", registry=registry, warned=warned.append)
    (warning,) = warned
    assert "told" in warning
    assert "the server is gone" in warning


def edit(directory, old, new):
    spec = directory / "spec.toml"
    assert old in spec.read_text()
    spec.write_text(spec.read_text().replace(old, new))


def test_an_edited_spec_is_refused_or_allowed_and_recorded(stopped):
    edit(stopped, "epochs = 40", "epochs = 18")
    with pytest.raises(ResumeError, match=r"spec\.toml has been edited.*--allow-changes"):
        resume(stopped)
    assert manifest_of(stopped)["status"] == "failed"
    with pytest.raises(Stop):
        resume(stopped, allow_changes=True, listener=stop_at(16))
    assert resume(stopped).history[-1]["epoch"] == 17
    manifest = manifest_of(stopped)
    changes = [entry["changes"] for entry in manifest["resumed"]]
    assert (manifest["status"], changes) == ("finished", [["spec.toml has been edited"], []])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("units = 4", "units = 5", "dense_1.weights is float64 of shape"),
        ('"float64"', '"float32"', "is float64 .* and float32"),
        ('type = "adam"', 'type = "adagrad"', "optimizer's|unknown"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_always_refused(stopped, old, new, message):
    edit(stopped, old, new)
    before = (stopped / "history.jsonl").read_bytes()
    with pytest.raises((ResumeError, SpecError), match=message):
        resume(stopped, allow_changes=True)
    assert (stopped / "history.jsonl").read_bytes() == before


def test_other_data_is_refused_by_its_hash(document, blobs, tmp_path):
    document["data"]["validation"] = 0.3
    with pytest.raises(Stop):
        run(parse_spec(document), out=tmp_path / "out", listener=stop_at(1))
    x, y = blobs[0].copy(), blobs[1]
    x[3, 1] = np.nextafter(x[3, 1], 9)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    with pytest.raises(ResumeError, match=r"the (train|validation) data has changed"):
        resume(tmp_path / "out")
    np.savez(tmp_path / "data.npz", x=x[:29], y=y[:29])
    with pytest.raises(ResumeError, match=r"the train data has changed \(21 samples, now 20\)"):
        resume(tmp_path / "out")
    (tmp_path / "data.npz").unlink()
    with pytest.raises((DataError, SpecError), match="no such file"):
        resume(tmp_path / "out")


@pytest.mark.parametrize("name", ["history.csv", "checkpoints", "checkpoints/index.json", "logs"])
def test_a_link_in_a_received_folder_is_refused_and_not_followed(stopped, tmp_path, name):
    link, elsewhere = stopped / name, tmp_path / "elsewhere"
    if link.exists():
        link.rename(elsewhere)
    link.symlink_to(elsewhere)
    (tmp_path / "step-mine.safetensors").touch()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(OutputError, match=re.escape(f"{link}: a symbolic link")):
        resume(stopped)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_other_initial_weights_are_refused_by_their_hash(document, tmp_path):
    start = tmp_path / "start.safetensors"
    run(parse_spec(document), out=tmp_path / "earlier")
    shutil.copy(tmp_path / "earlier" / "weights.safetensors", start)
    document["model"]["initial_weights"] = str(start)
    with pytest.raises(Stop):
        run(parse_spec(document), out=tmp_path / "out", listener=stop_at(1))
    content = bytearray(start.read_bytes())
    content[-1] ^= 1
    start.write_bytes(content)
    with pytest.raises(ResumeError, match="the initial weights have changed"):
        resume(tmp_path / "out")
    resume(tmp_path / "out", allow_changes=True)
    assert manifest_of(tmp_path / "out")["status"] == "finished"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("declnet", "0.0.1", "declnet was 0.0.1 and is"),
        ("numpy", "1.0", "numpy was 1.0 and is"),
        ("machine", "pdp11", "the machine's architecture was pdp11"),
        ("blas", {"name": "other", "version": "1"}, "blas was other 1 and is"),
        (
            "components",
            {"layer": {"dense": "declnet==0.1.0"}},
            'callback "checkpoint" was not used',
        ),
    ],
)
def test_other_versions_are_named(stopped, key, value, message):
    manifest = manifest_of(stopped)
    (stopped / "manifest.json").write_text(json.dumps({**manifest, key: value}))
    with pytest.raises(ResumeError, match=re.escape(message)):
        resume(stopped)
    resume(stopped, allow_changes=True)
    assert message in "; ".join(manifest_of(stopped)["resumed"][0]["changes"])
    assert manifest_of(stopped)[key] == manifest[key]


def test_a_program_passes_its_data_again(document, blobs, tmp_path):
    del document["data"]
    document["training"]["epochs"] = 9
    spec = parse_spec(document)
    whole = run(spec, data=blobs, out=tmp_path / "whole")
    with pytest.raises(Stop):
        run(spec, data=blobs, out=tmp_path / "out", listener=stop_at(3))
    with pytest.raises(ResumeError, match=r"give the same to declnet\.resume"):
        resume(tmp_path / "out")
    with pytest.raises(ResumeError, match="the train data has changed"):
        resume(tmp_path / "out", data=(blobs[0] + 1, blobs[1]))
    resume(tmp_path / "out", data=Dataset(*blobs))
    require_same(whole.directory, tmp_path / "out")


HOLD = (
    "import sys, time; from pathlib import Path; from declnet.runs.storage.folder import locked\n"
    "with locked(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
)


def test_a_run_is_locked_by_one_process_and_free_after_a_kill(stopped, whole):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(stopped)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="another process is writing"):
            resume(stopped)
        holder.kill()
        holder.wait()
    resume(stopped)
    require_same(whole, stopped)
