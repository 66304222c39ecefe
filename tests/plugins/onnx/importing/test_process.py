"""The process that reads a file: its limits, how it ends, and its cleanup."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from declnet import DataError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from declnet_plugins.onnx.importing.importer import OnnxImporter  # noqa: E402

from . import hostile  # noqa: E402

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux")

SLOW = hostile.model_of([("Gemm", "x x", "y", {"transB": 1})], shape=(8000, 4096), outputs=("y",))
"""3 · 10^11 multiplications in a file of a few hundred bytes."""


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def grandchildren(pid):
    return [grandchild for child in children(pid) for grandchild in children(child)]


def processor_time(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_memory_that_no_shape_states_is_limited(tmp_path):
    """The size of the constant is a power, which shape inference does not compute."""
    nodes = [
        ("Pow", "two e", "p"),
        ("Cast", "p", "s", {"to": 7}),
        ("ConstantOfShape", "s", "c"),
        ("ReduceMax", "c", "m", {"keepdims": 0}),
        ("Add", "x m", "y"),
    ]
    arrays = [("two", [2.0]), ("e", [34.0])]
    onnx.save(hostile.model_of(nodes, arrays), tmp_path / "m.onnx")
    with pytest.raises(DataError, match=r"m\.onnx.*(alloc|memory|its limit is)"):
        OnnxImporter(gigabytes=0.5).read(tmp_path / "m.onnx")


def test_time_is_limited(tmp_path):
    onnx.save(SLOW, tmp_path / "m.onnx")
    before = set(children(os.getpid()))
    with pytest.raises(DataError, match=r"m\.onnx: .* takes more than 1 s .*--set seconds"):
        OnnxImporter(seconds=1).read(tmp_path / "m.onnx")
    assert set(children(os.getpid())) <= before  # children of other tests may have ended


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_an_import_and_its_process(ending, tmp_path):
    onnx.save(SLOW, tmp_path / "m.onnx")
    command = [sys.executable, "-m", "declnet", "import", "m.onnx", "-o", "out"]
    command += ["--set", "seconds=1000"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while not (readers := grandchildren(process.pid)) or processor_time(readers[0]) < 1.5:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(ending)
        _, output = process.communicate(timeout=60)
    assert process.returncode == (-9 if ending == signal.SIGKILL else 130)
    assert "Traceback" not in output
    while is_running(readers[0]):  # after SIGKILL, it notices that its input has ended
        time.sleep(0.05)
    assert not (tmp_path / "out").exists()


def test_a_process_that_crashes_is_an_error(tmp_path):
    onnx.save(hostile.chain(3), tmp_path / "m.onnx")
    before = children(os.getpid())
    network = OnnxImporter().read(tmp_path / "m.onnx")
    (reader,) = set(children(os.getpid())) - set(before)
    os.kill(reader, signal.SIGSEGV)
    with pytest.raises(DataError, match=r"ended with the status -11; its limit is 4 GiB"):
        network.predict([])
    del network
    assert reader not in children(os.getpid())
