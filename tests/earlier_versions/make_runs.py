"""Write the runs of this version that later ones must read: `python make_runs.py FOLDER`.

It is run once, with a release, in an empty folder `/tmp/declnet`, since specs of runs have absolute
paths; what it wrote is then moved here, and not written again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import declnet

SPEC: dict[str, Any] = {
    "declnet": 1,
    "name": "small",
    "seed": 1,
    "data": {
        "train": {"type": "csv", "path": "table.csv", "target": "kind"},
        "validation": 0.25,
        "prepare": ["standardize", "one_hot"],
    },
    "model": {
        "layers": [
            {"type": "dense", "units": 6},
            "relu",
            {"type": "dense", "units": 2},
            "softmax",
        ]
    },
    "loss": "categorical_crossentropy",
    "optimizer": {"type": "adam", "learning_rate": 0.05},
    "training": {
        "epochs": 40,
        "log_every": 10,
        "metrics": ["accuracy"],
        "callbacks": [
            {"type": "best_epoch"},
            {"type": "checkpoint", "every_epochs": 10, "keep_last": 1},
        ],
    },
}

ROWS = 80


def interrupt(event: object) -> None:
    """Interrupt training after half of the epochs, as Ctrl-C does."""
    if getattr(event, "epoch", 0) == 20:
        raise KeyboardInterrupt


def main() -> None:
    """Write a finished run, an interrupted one and a folder of folds, and their predictions."""
    os.chdir(sys.argv[1])
    rows = [f"{n % 7},{n * 5 % 11},{'ab'[n % 2]},{'xy'[n % 3 == 0]}" for n in range(ROWS)]
    Path("table.csv").write_text("\n".join(["u,v,w,kind", *rows, ""]), "utf-8")
    spec = declnet.parse_spec(SPEC)
    declnet.run(spec, out="finished")
    with suppress(KeyboardInterrupt):
        declnet.run(spec, out="interrupted", listener=interrupt)
    folds = {"data.validation": None, "data.folds": 2, "training.callbacks": []}
    declnet.run(declnet.parse_spec(SPEC, overrides=folds), out="folds", jobs=1)
    for name in ("finished", "folds"):
        predict = ("predict", name, "table.csv", "-o", f"{name}.csv")
        subprocess.run([sys.executable, "-m", "declnet", *predict], check=True)


if __name__ == "__main__":
    main()
