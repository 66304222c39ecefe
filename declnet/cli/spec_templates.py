"""The specs that `declnet new` begins with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

TEMPLATES = {
    "classification": "one of several classes, for points on a spiral",
    "binary": "yes or no, for points on a spiral of two arms",
    "regression": "numbers, for the sine",
    "images": "convolutions, for handwritten digits (needs scikit-learn)",
    "table": "columns on different scales, for wines (needs scikit-learn)",
    "own_data": "your arrays, from a NumPy file data.npz that you write",
}
"""What each template shows, by its name; its file is `templates/specs/<name>.toml`."""


def template_text(name: str) -> str:
    """A template, TOML with comments; `name` is one of `TEMPLATES`."""
    from importlib.resources import files

    return (files("declnet.cli") / "templates" / "specs" / f"{name}.toml").read_text("utf-8")


def as_json(text: str) -> str:
    """A TOML text as indented JSON; comments, which JSON does not have, are lost."""
    import json
    import tomllib

    return json.dumps(tomllib.loads(text), indent=2, ensure_ascii=False) + "\n"


def missing(data: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """What a spec's data needs before it can run and this machine lacks, a sentence each.

    Args:
        data: the section `data`, as a template has it.
        folder: the spec's, which relative paths start from.
    """
    from importlib.util import find_spec

    train = data["train"]
    if train["type"] == "sklearn" and find_spec("sklearn") is None:
        yield "it needs scikit-learn: pip install 'declnet[sklearn]'"
    if "path" in train and not (folder / train["path"]).exists():
        example = f'numpy.savez("{train["path"]}", x=x, y=y)'
        yield f"it reads {folder / train['path']}, which is not there yet: write it with {example}"
