"""Data, weights and output folders that are wrong, as real processes."""

from __future__ import annotations

import os

import numpy as np
import pytest
from safetensors.numpy import save_file


@pytest.fixture
def refused(declnet_cli, spec_file, document, tmp_path):
    """Run the document, which must be refused with a code and a message."""

    def run(*options, code=2):
        done = declnet_cli("run", spec_file(document), "--quiet", *options)
        assert done.returncode == code, done.stderr
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith(("error: ", "error["))
        assert not (tmp_path / "runs").exists()
        return done.stderr

    return run


X, Y = np.arange(24.0).reshape(12, 2), np.arange(12) % 3


@pytest.mark.parametrize(
    ("arrays", "code", "message"),
    [
        ({"x": X}, "E031", "it has no array y (its arrays: x)"),
        ({"y": Y}, "E031", "it has no array x (its arrays: y)"),
        ({"x": X, "y": np.array([{}] * 12)}, "E031", "the array y holds pickled objects"),
        ({"x": X, "y": Y[:11]}, "", "x has 12 samples, but y has 11"),
        ({"x": X * np.nan, "y": Y}, "", "x has 24 values that are NaN or infinite, the first at"),
        ({"x": X[:0], "y": Y[:0]}, "E031", "train has no samples"),
        ({"x": X, "y": Y - 1}, "E042", "the labels of data.train begin at -1"),
        ({"x": X, "y": Y / 2}, "E041", "needs labels"),
        ({"x": np.float64(1), "y": Y}, "E031", "x is a single number"),
        ({"x": X.astype(str), "y": Y}, "", "x"),
    ],
)
def test_arrays_that_cannot_be_learned_from(refused, tmp_path, arrays, code, message):
    np.savez(tmp_path / "data.npz", **arrays)
    said = refused()
    assert message in said
    assert said.startswith(f"error[{code}]: " if code else "error: ")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: b"x,y\n1,2\n", "not an .npz archive"),
        (lambda content: b"", "not an .npz archive"),
        (lambda content: content[: len(content) // 2], "not an .npz archive"),
        (lambda content: content.replace(b"NUMPY", b"NUMPX"), "is damaged"),
    ],
)
def test_a_file_that_is_no_archive_or_a_damaged_one(refused, tmp_path, damage, message):
    path = tmp_path / "data.npz"
    path.write_bytes(damage(path.read_bytes()))
    said = refused()
    assert said.startswith("error[E031]: ")
    assert message in said


def test_weights_of_another_shape(refused, document, tmp_path):
    save_file({"dense_1.weights": np.zeros((2, 9))}, tmp_path / "w.safetensors")
    document["model"]["initial_weights"] = "w.safetensors"
    message = refused()
    assert message.startswith("error[E050]: ")
    assert "^" * len('"w.safetensors"') + "\n" in message
    assert "dense_1.weights has shape (2, 9), the model's has (2, 4)" in message


def test_weights_that_are_no_safetensors(refused, document, tmp_path):
    (tmp_path / "w.safetensors").write_text("no weights")
    document["model"]["initial_weights"] = "w.safetensors"
    message = refused()
    assert message.startswith("error[E050]: ")
    assert "not a safetensors file" in message


def test_an_output_folder_that_is_not_empty_is_left_as_it_was(refused, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "weights.safetensors").write_text("precious")
    assert "out: the output folder is not empty" in refused("--out", "out")
    assert [(each.name, each.read_text()) for each in out.iterdir()] == [
        ("weights.safetensors", "precious")
    ]


def test_an_output_folder_that_is_a_file_is_left_as_it_was(refused, tmp_path):
    (tmp_path / "out").write_text("precious")
    assert "out: the output folder is a file" in refused("--out", "out")
    assert (tmp_path / "out").read_text() == "precious"


@pytest.mark.parametrize("out", ["data.npz/below", "/proc/declnet"])
def test_a_place_that_cannot_be_written_fails_the_run(refused, out):
    message = refused("--out", out, code=1)
    assert out in message
    assert "cannot be made" in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_to_write_fails_the_run(refused, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o555)
    assert "Permission denied" in refused("--out", "locked/out", code=1)
    assert "no permission" in refused("--out", "locked", code=1)


def test_a_full_disk_fails_the_run_and_says_so(declnet_cli, spec_file, document, tmp_path):
    document["training"]["epochs"] = 10**9
    spec = spec_file(document)
    (tmp_path / "full").symlink_to("/dev/full")
    with declnet_cli.start("run", spec, "--out", "out") as process:
        process.stdout.readline()
        (tmp_path / "full").replace(tmp_path / "out" / "history.jsonl")
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "cannot be written: No space left on device" in err
    assert "Traceback" not in err
    assert '"failed"' in (tmp_path / "out" / "manifest.json").read_text()
