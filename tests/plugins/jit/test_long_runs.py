"""The memory of long native runs does not grow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("numba")

STEPS = int(os.environ.get("DECLNET_TEST_STEPS", "12000"))
"""Steps of the run whose memory is measured."""

MOST = 2**20
"""Bytes by which a process may grow between a tenth of a run and its end."""


def spec(seed=0, **training):
    return {
        "declnet": 1,
        "seed": seed,
        "data": {"train": {"type": "nnfs_spiral", "samples": 30, "classes": 3}},
        "model": {
            "layers": [
                {"type": "dense", "units": 16},
                "relu",
                {"type": "dropout", "rate": 0.1},
                {"type": "dense", "units": 3},
                "softmax",
            ]
        },
        "loss": "categorical_crossentropy",
        "optimizer": {"type": "adam", "learning_rate": {"type": "cosine", "initial_rate": 0.01}},
        "training": {"batch_size": 16, "clip_norm": 1.0, "metrics": ["accuracy"], **training},
        "engine": {"kernels": "jit"},
    }


MEASURED = """
import json, sys
from pathlib import Path
from declnet import EpochLogged, parse_spec, run

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024

sizes = []
def measure(event):
    if isinstance(event, EpochLogged):
        sizes.append((resident(), peak()))

run(parse_spec(json.loads(sys.argv[1])), listener=measure)
print(json.dumps(sizes))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_memory_does_not_grow_with_the_steps():
    document = spec(max_steps=STEPS, log_every=STEPS // 60)  # an epoch has 6 steps
    short = spec(max_steps=30, log_every=1)
    for trained in (short, document):  # the first one compiles, which takes memory
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, json.dumps(trained)],
            capture_output=True,
            text=True,
            check=True,
        )
    sizes = json.loads(done.stdout)
    (early, early_peak), (late, late_peak) = sizes[1], sizes[-1]
    assert len(sizes) > 9
    assert late - early < MOST
    assert late_peak - early_peak < MOST
