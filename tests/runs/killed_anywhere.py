"""Kill a run at each of its file operations, and finish it by `run` or `resume`.

Run as a program with an empty folder, it prints the number of kills, and fails at the first run
that does not end like one that was never killed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np

from declnet import OutputError, parse_spec, resume, run

FILES = ("weights.safetensors", "history.jsonl", "metrics.json", "history.csv", "preparation.json")
SPEC = {
    "declnet": 1,
    "data": {
        "train": {"type": "npz", "path": "data.npz"},
        "prepare": ["standardize"],
        "validation": 0.3,
    },
    "model": {"layers": [{"type": "dense", "units": 3}, "softmax"]},
    "loss": "categorical_crossentropy",
    "optimizer": "adam",
    "training": {"epochs": 2, "callbacks": ["csv_log", {"type": "checkpoint", "every_epochs": 1}]},
}
CHANGING = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate"}


def kill_at(number: int) -> None:
    """Let this process be killed just before its file operation with this number, from 0."""
    left = number

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in CHANGING and "out-" in str(arguments[0]):
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    sys.addaudithook(watch)


def bits(directory: Path) -> list[bytes]:
    return [(directory / name).read_bytes() for name in FILES]


def main(folder: Path) -> None:
    os.fsync = lambda _: None  # slow; a kill, unlike a power cut, loses nothing that was written
    labels = np.arange(30) % 3
    np.savez(folder / "data.npz", x=np.eye(3)[labels], y=labels)
    spec = parse_spec(SPEC, folder=folder)
    run(spec, out=folder / "whole")
    number = 0
    while True:
        out, child = folder / f"out-{number}", os.fork()
        if child == 0:
            kill_at(number)
            run(spec, out=out)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            break
        try:
            resume(out)
        except OutputError:  # it had not begun
            run(spec, out=out)
        assert bits(out) == bits(folder / "whole"), number
        assert not [each for each in out.rglob(".*") if each.is_file()], number
        number += 1
    sys.stdout.write(f"{number}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
