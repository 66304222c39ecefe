"""Contents of a run's folder as lines of a transcript: files, metrics, hashes of weights."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

SKIPPED = {
    *("started", "ended", "seconds", "declnet", "python", "numpy", "blas", "platform", "machine"),
    *("files", "manifest", "manifests", "spec", "origin", "worker"),
}
"""Keys whose values depend on the machine, the time, or the folder."""
DIGESTED = {"behavior", "index", "preparation"}
"""JSON files that transcripts show only as a hash or not at all."""

CARD = "README.md"
"""The model card, which repeats the contents of other files."""

LINES = 200
"""Maximum number of lines that a transcript shows of a file."""


def describe(folder: Path) -> Iterator[str]:
    """Yield lines that describe each file of a run's folder or of a folder of runs."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != CARD)
    for path in sorted(files):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".safetensors":
            yield f"{name}:"
            yield from weights(path)
        elif path.suffix == ".jsonl":
            records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
            yield f"{name}: {len(records)} lines, {digest(json.dumps(masked(records)).encode())}"
            yield from (f"  {line}" for line in flat(masked(records[-1])))
        elif path.suffix == ".json" and path.stem not in DIGESTED:
            yield f"{name}:"
            yield from (f"  {line}" for line in flat(masked(json.loads(path.read_bytes()))))
        elif path.suffix in {".json", ".toml", ".csv"} and path.stem != "index":
            content = path.read_bytes().replace(str(folder.parent).encode(), b"")
            content = re.sub(rb"(?m)^# \d{4}-\d\d-\d\d", b"# <date>", content)
            yield f"{name}: {digest(content)}"
        else:
            yield name


def results(folder: Path) -> Iterator[str]:
    """Yield lines with the weights and metrics in a folder of one or several runs."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".safetensors":
            yield f"{path.relative_to(folder).as_posix()}:"
            yield from weights(path)
        elif path.name == "metrics.json":
            yield f"{path.relative_to(folder).as_posix()}:"
            yield from (f"  {line}" for line in flat(json.loads(path.read_bytes())))


def weights(path: Path) -> Iterator[str]:
    """Yield a line for each array of a safetensors file: its type, shape, hash and mean square."""
    for name, array in sorted(load_file(path).items()):
        size = np.mean(np.square(array.astype(np.float64))) if array.size else 0.0
        yield f"  {name} {array.dtype} {array.shape} {digest(array.tobytes())} {size:.6g}"


def digest(content: bytes) -> str:
    """Return the first digits of the content's hash."""
    return f"#{hashlib.sha256(content).hexdigest()[:12]}"


def masked(value: Any) -> Any:
    """Return JSON without times, and without hashes of files that contain times."""
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items() if key not in SKIPPED}
    return [masked(item) for item in value] if isinstance(value, list) else value


def flat(value: Any, key: str = "") -> Iterator[str]:
    """Yield `key.key = value` for each value of a JSON document, numbers with nine digits."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from flat(item, f"{key}.{name}" if key else name)
    elif isinstance(value, float):
        yield f"{key} = {value:.9g}"
    else:
        yield f"{key} = {json.dumps(value, ensure_ascii=False)}"


def first_lines(path: Path) -> list[str]:
    """Return the lines of a text file, of a long one only the first."""
    lines = path.read_text("utf-8").splitlines()
    return lines if len(lines) <= LINES else [*lines[:LINES], f"… {len(lines)} lines"]
