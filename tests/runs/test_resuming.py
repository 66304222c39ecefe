"""`resume`: a stopped run ends like an uninterrupted one, or reports why it cannot."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from declnet import DataError, Dataset, OutputError, ResumeError, SpecError, parse_spec, resume, run
from declnet.contracts.callback import EpochLogged
from declnet.training import trainer as pace

FILES = ("weights.safetensors", "history.jsonl", "metrics.json")


class Stop(Exception):
    """Whatever ends a process."""


def stop_at(epoch):
    def listener(event):
        if isinstance(event, EpochLogged) and event.epoch == epoch:
            raise Stop

    return listener


def interrupt_at(epoch):
    def listener(event):
        if isinstance(event, EpochLogged) and event.epoch == epoch:
            raise KeyboardInterrupt

    return listener


@pytest.fixture
def steered(document):
    """A spec with all that a run depends on."""
    document["model"]["layers"][1:2] = ["batch_norm", "relu", {"type": "dropout", "rate": 0.2}]
    document["data"]["validation"] = 0.3
    document["optimizer"] = {"type": "adam", "learning_rate": 0.2}
    document["training"] |= {
        "epochs": 40,
        "batch_size": 4,
        "log_every": 2,
        "callbacks": [
            {"type": "early_stopping", "patience": 12},
            {"type": "reduce_on_plateau", "patience": 4, "factor": 0.5},
            {"type": "checkpoint", "every_epochs": 3, "keep_last": 2, "monitor": "validation_loss"},
            "csv_log",
        ],
    }
    return document


@pytest.fixture
def whole(steered, tmp_path):
    """The folder of a run that was never stopped."""
    return run(parse_spec(steered), out=tmp_path / "whole").directory


@pytest.fixture
def stopped(steered, tmp_path):
    """Run until a listener raises; return the folder."""

    def go(listener=None, **changes):
        steered["training"] |= changes
        with pytest.raises((Stop, KeyboardInterrupt)):
            run(parse_spec(steered), out=tmp_path / "stopped", listener=listener or stop_at(14))
        return tmp_path / "stopped"

    return go


def require_same(one, other, files=FILES):
    assert [(one / name).read_bytes() == (other / name).read_bytes() for name in files] == [
        True
    ] * len(files)


def manifest_of(directory):
    return json.loads((directory / "manifest.json").read_text())


@pytest.mark.parametrize("epoch", [0, 2, 4, 14, 18])
def test_it_ends_as_if_it_had_never_stopped(stopped, whole, epoch):
    directory = stopped(stop_at(epoch))
    notices = []
    result = resume(directory, notice=notices.append)
    require_same(whole, directory, (*FILES, "history.csv"))
    assert manifest_of(directory)["stopped"] == manifest_of(whole)["stopped"]
    assert result.history == [
        json.loads(line) for line in (whole / "history.jsonl").read_text().splitlines()
    ]
    (entry,) = manifest_of(directory)["resumed"]
    assert epoch // 3 * 3 <= entry["from_epoch"] <= epoch
    assert entry["from_step"] == entry["from_epoch"] * 6
    assert entry["changes"] == []
    text = f"going on at epoch {entry['from_epoch']}," if epoch else "no checkpoint"
    assert text in notices[-1]


def test_the_index_is_as_that_of_the_run_that_was_not_stopped(stopped, whole):
    directory = stopped(stop_at(14))
    resume(directory)
    found, expected = (
        [
            (each["file"], each["best"])
            for each in json.loads((folder / "checkpoints" / "index.json").read_text())
        ]
        for folder in (directory, whole)
    )
    assert found == expected
    assert [best for _, best in found] == [True, False, False]


def test_an_interrupted_run_loses_nothing_even_without_the_callback(document, tmp_path):
    document["training"] |= {"epochs": 20, "batch_size": 4}
    spec = parse_spec(document)
    whole = run(spec, out=tmp_path / "whole")
    heard = []

    def interrupting(event):
        heard.append(event)
        if isinstance(event, EpochLogged) and event.epoch == 7:
            import signal

            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(spec, out=tmp_path / "out", listener=interrupting)
    manifest = manifest_of(tmp_path / "out")
    assert (manifest["status"], manifest.get("error")) == ("interrupted", None)
    heard.clear()
    result = resume(tmp_path / "out", listener=heard.append)
    assert heard[0].epoch == 8
    require_same(whole.directory, tmp_path / "out")
    assert result.seconds >= whole.seconds * 0
    assert not (tmp_path / "out" / "checkpoints").exists()
    assert "error" not in manifest_of(tmp_path / "out")


def test_a_signal_is_held_back_until_the_training_stands_between_two_steps(
    document, tmp_path, monkeypatch
):
    import signal

    from declnet.training.epochs import MiniBatchEpoch

    monkeypatch.setattr(pace, "SIGN_OF_LIFE", -1.0)
    monkeypatch.setattr(pace, "PART", 0.0)
    document["training"] |= {"epochs": 4, "batch_size": 4}
    spec, original, calls = parse_spec(document), MiniBatchEpoch.run, [0]
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
        patch.setattr(MiniBatchEpoch, "run", signalled)
        with pytest.raises(KeyboardInterrupt):
            run(spec, out=tmp_path / "out")
    assert signal.getsignal(signal.SIGINT) is before
    resume(tmp_path / "out")
    require_same(whole.directory, tmp_path / "out")
    (entry,) = manifest_of(tmp_path / "out")["resumed"]
    assert (entry["from_epoch"], entry["from_step"]) == (1, 11)


@pytest.mark.parametrize("where", ["evaluation", "callback"])
def test_an_interruption_after_the_training_loses_nothing(stopped, whole, monkeypatch, where):
    from declnet_standard.callbacks import CsvLog

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if where == "callback":
            patch.setattr(CsvLog, "finished", interrupted)
        else:
            patch.setattr("declnet.runs.session.finite_evaluation", interrupted)
        directory = stopped(lambda event: None)
    status = manifest_of(directory)["status"]
    assert status == ("finished" if where == "callback" else "interrupted")
    heard = []
    resume(directory, listener=heard.append)
    assert heard == []
    require_same(whole, directory, (*FILES, "history.csv"))


def test_a_run_can_be_resumed_again_and_again(stopped, whole):
    directory = stopped(stop_at(4))
    for epoch in (8, 10, 16):
        with pytest.raises(Stop):
            resume(directory, listener=stop_at(epoch))
    resume(directory)
    require_same(whole, directory)
    found = [each["from_epoch"] for each in manifest_of(directory)["resumed"]]
    assert found[0] == 4  # after epoch 3, which is not logged, but the best so far
    assert found == sorted(set(found))


def test_a_damaged_checkpoint_is_told_and_the_one_before_is_taken(stopped, whole):
    directory = stopped(stop_at(14))
    *_, before, newest = sorted((directory / "checkpoints").glob("*.safetensors"))
    newest.write_bytes(newest.read_bytes()[:1000])
    notices = []
    resume(directory, notice=notices.append)
    require_same(whole, directory)
    assert f"{newest} is damaged" in notices[0]
    assert notices[1].endswith(f", after {int(before.stem[5:])} steps")


@pytest.mark.parametrize("lines", [0, 3])
def test_a_history_that_is_cut_short_is_told(stopped, whole, lines):
    directory = stopped(stop_at(14))
    history = directory / "history.jsonl"
    history.write_text("".join(history.read_text().splitlines(keepends=True)[:lines]))
    notices = []
    resume(directory, notice=notices.append)
    require_same(whole, directory)
    assert "history.jsonl is not as it was" in notices[0]


def test_everything_damaged_starts_over(stopped, whole):
    directory = stopped(stop_at(14))
    for each in (directory / "checkpoints").iterdir():
        each.write_bytes(b"damaged")
    notices = []
    resume(directory, notice=notices.append)
    require_same(whole, directory)
    assert "starting over" in notices[-1]


def test_what_a_killed_process_left_half_written_is_removed(stopped, whole):
    directory = stopped(stop_at(14))
    with (directory / "history.jsonl").open("a") as file:
        file.write('{"epoch": 16, "lo')
    (directory / ".manifest.json.4711").write_text("{")
    (directory / "checkpoints" / ".index.json.4711").write_text("[")
    resume(directory)
    require_same(whole, directory)
    assert [each for each in directory.rglob(".*") if each.is_file()] == []


def test_a_run_that_was_killed_before_its_manifest_begins(stopped, whole):
    directory = stopped(stop_at(14))
    shutil.rmtree(directory / "checkpoints")
    for each in directory.iterdir():
        if each.name != "spec.toml":
            each.unlink()
    resume(directory)
    require_same(whole, directory)


def test_a_finished_run_is_left_as_it_is(whole):
    before = {each: each.stat().st_mtime_ns for each in whole.rglob("*")}
    notices = []
    result = resume(whole, notice=notices.append)
    assert {each: each.stat().st_mtime_ns for each in whole.rglob("*")} == before
    assert notices == ["this run is finished: there is nothing left to do"]
    assert result.metrics == json.loads((whole / "metrics.json").read_text())
    assert result.model.predict(np.zeros((1, 2))).shape == (1, 3)


def edit(directory, old, new):
    spec = directory / "spec.toml"
    assert old in spec.read_text()
    spec.write_text(spec.read_text().replace(old, new))


def test_an_edited_spec_is_refused_or_allowed_and_recorded(stopped):
    directory = stopped(stop_at(14))
    edit(directory, "epochs = 40", "epochs = 18")
    with pytest.raises(ResumeError, match=r"spec\.toml has been edited.*--allow-changes"):
        resume(directory)
    assert manifest_of(directory)["status"] == "failed"
    result = resume(directory, allow_changes=True)
    assert result.history[-1]["epoch"] == 17
    manifest = manifest_of(directory)
    assert manifest["resumed"][0]["changes"] == ["spec.toml has been edited"]
    assert manifest["status"] == "finished"


def test_once_allowed_a_change_is_what_the_run_has(stopped):
    directory = stopped(stop_at(4))
    edit(directory, "epochs = 40", "epochs = 18")
    with pytest.raises(Stop):
        resume(directory, allow_changes=True, listener=stop_at(8))
    resume(directory)
    assert [each["changes"] for each in manifest_of(directory)["resumed"]] == [
        ["spec.toml has been edited"],
        [],
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("units = 4", "units = 5", "dense_1.weights is float64 of shape"),
        ('"float64"', '"float32"', "is float64 .* and float32"),
        ('type = "adam"', 'type = "adagrad"', "optimizer's|unknown"),
        ("batch_size = 4", "batch_size = 21", "."),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_even_then(stopped, old, new, message):
    directory = stopped(stop_at(14))
    edit(directory, old, new)
    before = (directory / "history.jsonl").read_bytes()
    if old == "batch_size = 4":
        resume(directory, allow_changes=True)
        return
    with pytest.raises((ResumeError, SpecError), match=message):
        resume(directory, allow_changes=True)
    assert (directory / "history.jsonl").read_bytes() == before


def test_a_spec_that_is_broken_or_gone_is_told(stopped):
    directory = stopped(stop_at(14))
    edit(directory, 'type = "adam"', 'type = "adan"')
    with pytest.raises(SpecError, match="adam"):
        resume(directory)
    (directory / "spec.toml").unlink()
    with pytest.raises(ResumeError, match=r"spec\.toml: cannot be read"):
        resume(directory)


def test_other_data_is_refused_by_its_hash(stopped, steered, blobs, tmp_path):
    directory = stopped(stop_at(14))
    x = blobs[0].copy()
    x[3, 1] = np.nextafter(x[3, 1], 9)
    np.savez(tmp_path / "data.npz", x=x, y=blobs[1])
    with pytest.raises(ResumeError, match=r"the (train|validation) data is other data"):
        resume(directory)
    np.savez(tmp_path / "data.npz", x=x[:29], y=blobs[1][:29])
    with pytest.raises(ResumeError, match=r"the train data is other data \(21 samples, now 20\)"):
        resume(directory)
    (tmp_path / "data.npz").unlink()
    with pytest.raises((DataError, SpecError), match="no such file"):
        resume(directory)


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
            'callback "checkpoint" was not used and is of declnet 0.1.0',
        ),
    ],
)
def test_other_versions_are_named(stopped, key, value, message):
    directory = stopped(stop_at(14))
    manifest = manifest_of(directory)
    (directory / "manifest.json").write_text(json.dumps({**manifest, key: value}))
    with pytest.raises(ResumeError, match=re.escape(message)):
        resume(directory)
    resume(directory, allow_changes=True)
    changes = manifest_of(directory)["resumed"][0]["changes"]
    assert message in "; ".join(changes)
    assert manifest_of(directory)[key] == manifest[key]


def test_a_program_gives_its_data_again(document, blobs, tmp_path):
    del document["data"]
    document["training"]["epochs"] = 9
    spec = parse_spec(document)
    whole = run(spec, data=blobs, out=tmp_path / "whole")
    with pytest.raises(Stop):
        run(spec, data=blobs, out=tmp_path / "out", listener=stop_at(3))
    with pytest.raises(ResumeError, match=r"give the same to declnet\.resume"):
        resume(tmp_path / "out")
    with pytest.raises(ResumeError, match="the train data is other data"):
        resume(tmp_path / "out", data=(blobs[0] + 1, blobs[1]))
    resume(tmp_path / "out", data=Dataset(*blobs))
    require_same(whole.directory, tmp_path / "out")


def test_what_is_no_runs_folder_is_refused_and_left_alone(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="there is no such folder"):
        resume(tmp_path / "absent")
    with pytest.raises(OutputError, match="is a file"):
        resume(tmp_path / "file")
    with pytest.raises(OutputError, match="not a run's folder"):
        resume(tmp_path)
    (tmp_path / "spec.toml").write_text("")
    with pytest.raises(OutputError, match="not a run's folder"):
        resume(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "spec.toml"]


def test_a_damaged_manifest_is_named(stopped):
    directory = stopped(stop_at(14))
    (directory / "manifest.json").write_text("{")
    with pytest.raises(OutputError, match=r"manifest\.json: cannot be read"):
        resume(directory)


HOLD = (
    "import sys, time; from pathlib import Path; from declnet.runs.lock import locked\n"
    "with locked(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
)


def test_two_processes_cannot_work_on_one_run_and_a_killed_one_holds_nothing(stopped, whole):
    directory = stopped(stop_at(14))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="another process is at work"):
            resume(directory)
        holder.kill()
        holder.wait()
    resume(directory)
    require_same(whole, directory)


def test_a_run_locks_its_folder_while_it_is_at_work(steered, tmp_path):
    refused = []

    def resuming(event):
        if not refused:
            with pytest.raises(OutputError, match="another process is at work"):
                resume(tmp_path / "out")
            refused.append(event)

    run(parse_spec(steered), out=tmp_path / "out", listener=resuming)
    assert refused
