"""`declnet run` on the command line."""

from __future__ import annotations

import re

import numpy as np
from safetensors.numpy import load_file


def weights(folder):
    return (folder / "weights.safetensors").read_bytes()


def test_two_processes_train_the_same_weights_bit_for_bit(
    declnet_cli, spec_file, document, tmp_path
):
    document["training"] |= {"batch_size": 7, "epochs": 5}
    document["model"]["dtype"] = "float32"
    spec = spec_file(document)
    for out in ("one", "two"):
        declnet_cli.succeeds("run", spec, "--out", out)
    assert weights(tmp_path / "one") == weights(tmp_path / "two")
    assert (tmp_path / "one" / "history.jsonl").read_bytes() == (
        tmp_path / "two" / "history.jsonl"
    ).read_bytes()


def test_the_resolved_spec_runs_again_to_the_same_weights_from_anywhere(
    declnet_cli, spec_file, document, tmp_path
):
    document["data"]["train"]["path"] = "data.npz"
    declnet_cli.succeeds("run", spec_file(document), "--quiet", "--out", "sub/one")
    declnet_cli.succeeds("run", "sub/one/spec.toml", "--quiet", "--out", "two")
    assert weights(tmp_path / "sub" / "one") == weights(tmp_path / "two")


def test_log_lines_look_like_the_books(declnet_cli, spec_file, document):
    document["model"]["layers"][0]["weight_regularizer"] = {"type": "l2", "strength": 0.01}
    out = declnet_cli.succeeds("run", spec_file(document))
    pattern = (
        r"epoch: \d+, acc: [01]\.\d{3}, loss: \d+\.\d{3} "
        r"\(data_loss: \d+\.\d{3}, reg_loss: 0\.\d{3}\), lr: 0\.1000000"
    )
    lines = out.splitlines()
    assert [bool(re.fullmatch(pattern, line)) for line in lines[:3]] == [True] * 3
    assert re.fullmatch(r"train: acc: .*", lines[3])
    assert re.fullmatch(r"\d+\.\d\d s, runs/small-1", lines[4])


def test_quiet_prints_the_result_alone(declnet_cli, spec_file, document):
    lines = declnet_cli.succeeds("run", spec_file(document), "--quiet").splitlines()
    assert "epoch" not in "".join(lines)
    assert lines[0].startswith("train: ")


def test_runs_are_numbered_in_the_working_folder(declnet_cli, spec_file, document, tmp_path):
    spec = spec_file(document)
    for _ in range(2):
        declnet_cli.succeeds("run", spec, "--quiet")
    declnet_cli.succeeds("run", spec, "--quiet", "--set", "name=other")
    assert sorted(each.name for each in (tmp_path / "runs").iterdir()) == [
        "other-1",
        "small-1",
        "small-2",
    ]


def test_overrides_change_any_key(declnet_cli, spec_file, document, tmp_path, history_of):
    changes = ["model.layers.0.units=9", "training.epochs=2", "optimizer.decay=1"]
    options = [f"--set={change}" for change in [*changes, "model.layers.1=tanh"]]
    declnet_cli.succeeds("run", spec_file(document), *options, "--quiet", "--out", "out")
    assert load_file(tmp_path / "out" / "weights.safetensors")["dense_1.weights"].shape == (2, 9)
    assert [row["learning_rate"] for row in history_of(tmp_path / "out")] == [0.1, 0.05]
    assert 'type = "tanh"' in (tmp_path / "out" / "spec.toml").read_text()


def test_validation_and_test_figures_are_printed(declnet_cli, spec_file, document):
    document["data"] |= {"validation": 0.2, "test": document["data"]["train"]}
    lines = declnet_cli.succeeds("run", spec_file(document)).splitlines()
    assert " | validation, acc: " in lines[0]
    assert [line.split(":")[0] for line in lines[3:6]] == ["train", "validation", "test"]


def test_a_run_that_diverges_fails_and_says_where(
    declnet_cli, spec_file, document, tmp_path, history_of
):
    spec = spec_file(document)
    options = ["--set", "optimizer.learning_rate=1e200", "--set", "training.epochs=100"]
    done = declnet_cli("run", spec, *options, "--quiet", "--out", "out")
    assert done.returncode == 1
    assert re.search(r"error: epoch \d+: the loss is (nan|inf); .* in \"\w+\"", done.stderr)
    assert "Traceback" not in done.stderr
    assert '"status": "failed"' in (tmp_path / "out" / "manifest.json").read_text()
    assert all(np.isfinite(row["loss"]) for row in history_of(tmp_path / "out"))


def test_a_reader_that_goes_away_leaves_no_traceback(declnet_cli, spec_file, document):
    document["training"]["epochs"] = 3000
    process = declnet_cli.start("run", spec_file(document))
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) in (0, 1)
    assert "Traceback" not in err
    assert "Exception ignored" not in err


def test_warnings_are_shown_and_the_run_goes_on(declnet_cli, spec_file, document, tmp_path):
    spec = spec_file(document)
    done = declnet_cli("run", spec, "--quiet", "--out", "out", "--set", "model.layers.1=linear")
    assert done.returncode == 0
    assert done.stderr.startswith("warning[W003]: ")
    assert done.stderr.endswith("\n1 warning; `declnet explain W003` says more\n")
    assert (tmp_path / "out" / "metrics.json").is_file()


def test_a_wrong_spec_is_told_with_its_warnings(declnet_cli, spec_file, document, tmp_path):
    changes = ["--set", "model.layers.1=linear", "--set", "model.layers.2.units=2"]
    done = declnet_cli("run", spec_file(document), *changes)
    assert (done.returncode, done.stdout) == (2, "")
    assert "warning[W003]: " in done.stderr
    assert "error[E040]: " in done.stderr
    assert "\n1 error, 1 warning; " in done.stderr
    assert not (tmp_path / "runs").exists()
