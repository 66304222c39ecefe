"""Kill a run at each of its file operations, and finish it by `run` or `resume`.

Run as a program with an empty folder, it prints the number of kills, and fails at the first run
that does not end like one that was never killed. With `folds` as well, it kills a cross-validation
at some of its file operations.
"""

from __future__ import annotations

import copy
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    "model": {"layers": [{"type": "dense", "units": 3}, "batch_norm", "softmax"]},
    "loss": "categorical_crossentropy",
    "optimizer": "schedule_free_adamw",
    "training": {"epochs": 2, "callbacks": ["csv_log", {"type": "checkpoint", "every_epochs": 1}]},
}
CHANGING = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate"}


def kill_at(number: int) -> None:
    """Kill this process just before its file operation with this number, counted from 0."""
    left = number

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in CHANGING and "out-" in str(arguments[0]):
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    sys.addaudithook(watch)


def bits(directory: Path) -> dict[str, bytes]:
    names = (*FILES, "out_of_fold.csv")
    paths = [path for path in sorted(directory.rglob("*")) if path.name in names]
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths}


def main(folder: Path, subject: str = "run") -> None:
    os.fsync = lambda _: None  # slow; a kill, unlike a power cut, loses nothing that was written
    labels = np.arange(30) % 3
    np.savez(folder / "data.npz", x=np.eye(3)[labels], y=labels)
    begin, finish, step = {"run": (run, resume, 1), "folds": (run, resume, 43)}[subject]
    document = copy.deepcopy(SPEC)
    if subject == "folds":
        del document["data"]["validation"]
        document["data"]["folds"] = 3
    spec = parse_spec(document, folder=folder)
    warm_up(folder)
    assert in_a_process(None, begin, spec, out=folder / "whole") == 0
    assert bits(folder / "whole")
    number = 0
    while True:
        out = folder / f"out-{number}"
        if in_a_process(number, begin, spec, out=out) == 0:
            break
        assert in_a_process(None, complete, begin, finish, spec, out) == 0, number
        assert bits(out) == bits(folder / "whole"), number
        assert not [path for path in out.rglob(".*") if path.is_file()], number
        number += step
    sys.stdout.write(f"{number}\n")


def warm_up(folder: Path) -> None:
    """Import and build what the children need, by a run that is killed before its last files."""
    first = folder / "first"
    run(parse_spec(SPEC, folder=folder), out=first)
    manifest = (first / "manifest.json").read_text("utf-8")
    (first / "manifest.json").write_text(manifest.replace('"finished"', '"running"'), "utf-8")
    resume(first)
    gc.freeze()


def in_a_process(kill: int | None, do: Callable[..., Any], *arguments: Any, **named: Any) -> int:
    """Return the exit code of a process that is killed at a file operation.

    All work is done in processes of their own: the threads of libraries do not survive a fork.
    """
    child = os.fork()
    if child == 0:
        if kill is not None:
            kill_at(kill)
        code = 1
        try:
            do(*arguments, **named)
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def complete(begin: Callable[..., Any], finish: Callable[..., Any], spec: Any, out: Path) -> None:
    try:
        finish(out)
    except OutputError:  # it had not begun
        begin(spec, out=out)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:])
