"""Keys of JSON outputs and of a run's files, from commands on a small table."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SPEC = """declnet = 1
name = "face"
seed = 1

[data]
train = { type = "csv", path = "face.csv", target = "kind" }
validation = 0.25
test = 0.25
prepare = ["standardize", "one_hot"]

[model]
layers = [{ type = "dense", units = 3 }, "relu", { type = "dense", units = 2 }, "softmax"]

[loss]
type = "categorical_crossentropy"

[optimizer]
type = "adam"
learning_rate = 0.01

[training]
epochs = 4
log_every = 2
metrics = ["accuracy"]
"""

COMMANDS = {
    "check": "check face.toml --set optimizer.lr=1 --format json",
    "runs": "runs . --format json",
    "compare": "compare run other --format json",
    "predict": "predict run face.csv --format jsonl",
    "evaluate": "evaluate run --format json",
    "trace": "trace face.toml --format json",
    "overfit": "overfit face.toml --format json",
    "find-rate": "find-rate face.toml --format json",
    "doctor": "doctor --format json",
}
"""Commands that print JSON."""

PREPARED = (
    "run face.toml --quiet --out run",
    "run face.toml --quiet --out other --set seed=2",
    "sweep face.toml --set optimizer.learning_rate=0.01,0.02 --out sweep --jobs 1",
)

OF_MACHINE = {"environment", "packages", "plugins", "installed", "missing", "problems"}
"""Keys of `doctor` with machine-dependent values."""

Run = Callable[..., subprocess.CompletedProcess[str]]


def real_process(folder: Path) -> Run:
    """Return a function that runs a command line in a folder."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "declnet", *map(str, arguments)]
        return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)

    return run


def outputs(folder: Path, run: Run) -> dict[str, list[str]]:
    """Return two sections: keys of outputs, and keys of the files in folders of runs."""
    (folder / "face.toml").write_text(SPEC, "utf-8")
    rows = [f"{n % 7},{n * 5 % 11},{'ab'[n % 2]},{'xy'[n % 3 == 0]}" for n in range(80)]
    (folder / "face.csv").write_text("\n".join(["u,v,w,kind", *rows, ""]), "utf-8")
    for line in PREPARED:
        done = run(*line.split())
        if done.returncode:
            raise RuntimeError(f"declnet {line}: {done.stderr}")
    printed = []
    for name, line in COMMANDS.items():
        done = run(*line.split())
        if not done.stdout:
            raise RuntimeError(f"declnet {line}: {done.stderr}")
        printed += [name, *(f"  {key}" for key in keys(_parsed(done.stdout)))]
    stored = []
    for file in sorted([*(folder / "run").glob("*.json*"), *(folder / "sweep").glob("*.json*")]):
        parsed = _parsed(file.read_text("utf-8"))
        stored += [file.relative_to(folder).as_posix(), *(f"  {key}" for key in keys(parsed))]
    names = sorted(path.name for path in (folder / "run").iterdir())
    return {"JSON outputs": printed, "files of runs": [f"run: {' '.join(names)}", *stored]}


def _parsed(text: str) -> Any:
    """Return a JSON document, or a list of one document for each line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines()]


def keys(value: Any) -> list[str]:
    """Return the paths to the values of a JSON document, with their types."""
    types: dict[str, set[str]] = {}
    for path, type_ in _values(value, ""):
        types.setdefault(path, set()).add(type_)
    return [f"{path}: {' or '.join(sorted(types[path]))}" for path in sorted(types)]


def _values(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the type of each value that is not a table or list."""
    if isinstance(value, (dict, list)) and value and path.rpartition(".")[2] not in OF_MACHINE:
        items = value.items() if isinstance(value, dict) else [("[]", item) for item in value]
        for key, item in items:
            is_first = not path or key == "[]"
            yield from _values(item, f"{path}{key}" if is_first else f"{path}.{key}")
    else:
        yield path, JSON_TYPES[type(value)]


JSON_TYPES = {
    dict: "object",
    list: "list",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
