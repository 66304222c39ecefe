"""Specs are only data, as docs/explanation/security.md promises."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

import declnet
from declnet import RunSpec, SpecError
from declnet.cli.reading import checked_spec, read
from declnet.display.excerpts import rendered
from declnet.errors import Diagnostic
from declnet.training.checks.check import check_spec

SECRET = "sentinel-of-the-environment"

STRINGS = [
    "${HOME}",
    "$HOME",
    "~",
    "~/data.npz",
    "{0.__class__}",
    "%(HOME)s",
    "{{ 9091 * 9901 }}",
    "$(touch ran)",
    "`touch ran`",
    "!!python/object/apply:os.system ['touch ran']",
    "__import__('pathlib').Path('ran').touch()",
    "os:system",
    "declnet_plugins.standard.layers.dense:Dense",
    "cos\nsystem\n(S'touch ran'\ntR.",
    "file:///etc/passwd",
    "http://localhost:9/spec.toml",
]
"""What some language or other would expand, run or fetch."""

MORE_KEYS = [
    *("$schema", "extends", "data.windows", "data.windows.known.0", "data.class_weights"),
    *("data.positive_class", "data.sample_weights", "model.initial_weights", "engine.type"),
    "training.callbacks.0",
]
"""Keys that the whole spec does not have, as they need files, or others' absence."""


@pytest.fixture
def whole(document: dict[str, Any]) -> dict[str, Any]:
    """A valid spec in which every key that takes a string has a value."""
    document["plugins"] = ["declnet"]
    document["data"]["split"] = {"method": "stratified", "column": "site"}
    document["data"]["inputs"] = {"all": ["length"]}
    document["data"]["prepare"] = [{"type": "standardize", "columns": ["x"]}]
    document["data"]["prepare_targets"] = {"y": ["standardize"]}
    document["data"]["class_order"] = ["low", "high"]
    document["model"]["outputs"] = ["end"]
    document["model"]["layers"][-1] = {"type": document["model"]["layers"][-1], "name": "end"}
    document["model"]["layers"][0]["weight_regularizer"] = {"type": "l2", "strength": 0.1}
    document["model"]["layers"][1] = {"type": "relu", "inputs": ["dense_1"]}
    document["loss"] = {"type": document["loss"]}
    rate = {"type": "inverse_time", "initial_rate": 0.1, "decay": 0.1}
    document["optimizer"]["learning_rate"] = rate
    document["training"]["metrics"] = [{"type": "accuracy", "name": "right"}]
    document["engine"] = {"kernels": "numpy"}
    document["calibration"] = {"steps": ["temperature"]}
    document["analyses"] = ["importance"]
    return document


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blobs) -> None:
    """A home directory with files that a spec would reach if paths were expanded."""
    folder = tmp_path / SECRET
    folder.mkdir()
    np.savez(folder / "data.npz", x=blobs[0], y=blobs[1])
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    monkeypatch.chdir(tmp_path)


def strings_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *strings_of(item))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings_of(item)
    elif isinstance(value, str | Path):
        yield str(value)


def paths(value: Any, path: str = "") -> Iterator[str]:
    if path:
        yield path[1:]
    items = value.items() if isinstance(value, dict) else ()
    for key, item in enumerate(value) if isinstance(value, list) else items:
        yield from paths(item, f"{path}.{key}")


@pytest.mark.parametrize("several", [False, True], ids=["loss", "losses"])
def test_a_string_stays_what_it_is(
    several: bool, whole: dict[str, Any], changed, spec_file, tmp_path: Path, home: None
) -> None:
    keys = [*paths(whole), *MORE_KEYS]
    if several:
        loss = {**whole.pop("loss"), "output": "end", "target": "y", "metrics": ["accuracy"]}
        whole["losses"] = {"price": loss}
        del whole["training"]["metrics"]
        keys = [key for key in paths(whole) if key.startswith("losses")]
    else:
        require_every_key(keys)
    registry = declnet.default_registry()
    step = 1 if "DECLNET_TEST_NAMES" in os.environ else 5
    for number, key in enumerate(keys):
        for text in STRINGS[number % step :: step]:
            path = spec_file(tomli_w.dumps(changed(whole, {key: text})), "spec.toml")
            parsed = read(path, (), registry)
            spec, problems = parsed.spec, check_spec(parsed, registry).problems
            values = list(strings_of(spec.model_dump())) if spec is not None else []
            if spec is None:
                assert problems, (key, text)
            elif key != "$schema":
                assert any(value.endswith((text, str(Path(text)))) for value in values), (key, text)
            messages = [text for error in problems for text in (error.message, error.help or "")]
            for string in (*messages, *values):
                assert SECRET not in string, (key, text)
                assert "90009991" not in string, (key, text)
            assert not (tmp_path / "ran").exists(), (key, text)


def require_every_key(tried: list[str]) -> None:
    """Require a key, and one in each section, for every field of a spec that takes a string."""
    numbers = {"shuffle", "clip_norm", "clip_value", "drop_last", "accumulate", "max_steps"}
    numbers |= {"threads", "folds", "fold", "stream", "log_every", "batch_size"}
    like_train = {"data.validation", "data.test"}
    sections = ("data", "model", "training", "engine")
    keys = {name for name in RunSpec.model_fields if name not in (*sections, "losses")}
    for section in sections:
        fields = RunSpec.model_fields[section].annotation.model_fields
        keys |= {f"{section}.{name}" for name in fields if name not in numbers}
    parts = [key.split(".") for key in tried]
    assert keys - like_train <= {".".join(part[:length]) for part in parts for length in (1, 2)}


class Runs:
    """An object that leaves a file behind when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("name", ["x", "y"])
def test_pickled_objects_in_an_archive_are_refused(
    name: str, document: dict[str, Any], spec_file, tmp_path: Path
) -> None:
    arrays = {"x": np.zeros((4, 2)), "y": np.zeros(4, int)}
    arrays[name] = np.array([Runs(tmp_path / "ran")] * 4, dtype=object)
    np.savez(tmp_path / "data.npz", **arrays)
    (problem,) = problems_of(spec_file(document))
    assert problem.code == "E031"
    assert f"the array {name} holds pickled objects, which are never loaded" in problem.message
    with pytest.raises((SpecError, declnet.DataError), match="never loaded"):
        declnet.run(declnet.load_spec(tmp_path / "spec.json"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["data.npz", "weights.pt"])
def test_a_pickle_in_place_of_a_file_is_refused(
    name: str, document: dict[str, Any], spec_file, tmp_path: Path
) -> None:
    if name == "weights.pt":
        document["model"]["initial_weights"] = name
    (tmp_path / name).write_bytes(pickle.dumps(Runs(tmp_path / "ran")))
    (problem,) = problems_of(spec_file(document))
    assert problem.code == ("E050" if name == "weights.pt" else "E031")
    assert "not a" in problem.message
    assert not (tmp_path / "ran").exists()


def problems_of(spec: Path) -> tuple[Diagnostic, ...]:
    try:
        return checked_spec(spec, (), declnet.default_registry()).problems
    except SpecError as error:
        return error.problems


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "..", ".hidden", "a\\b", "a/../b"])
def test_the_name_cannot_leave_the_folder(name: str, document: dict[str, Any], spec_file) -> None:
    (problem,) = problems_of(spec_file({**document, "name": name}))
    assert (problem.code, problem.path) == ("E014", ("name",))


def test_a_base_is_opened_only_if_it_is_toml_or_json(
    document: dict[str, Any], spec_file, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text(SECRET)
    problems = problems_of(spec_file({**document, "extends": "secret.txt"}))
    assert [problem.code for problem in problems] == ["E006"]
    assert SECRET not in rendered(problems)


def test_a_requirement_is_only_looked_up(document: dict[str, Any], spec_file, declnet_cli) -> None:
    (declnet_cli.folder / "wished_for.py").write_text("open('ran', 'w')")
    (problem,) = problems_of(spec_file({**document, "plugins": ["wished_for @ file:///tmp/it"]}))
    assert problem.code == "E008"
    declnet_cli("check", "spec.json")
    assert not (declnet_cli.folder / "ran").exists()


def test_messages_have_no_control_characters(document: dict[str, Any], spec_file) -> None:
    evil = "\x1b[2J\x1b]0;owned\x07\r\x00\x9b"
    document |= {f"key{evil}": 1, "name": evil, "loss": f"hinge{evil}"}
    document["model"] |= {"dtype": evil, "layers": [{"type": f"dense{evil}"}]}
    said = rendered(problems_of(spec_file(document)))
    assert [char for char in said if not char.isprintable() and char != "\n"] == []


AUDITED = """
import sys
from pathlib import Path

folder, seen = str(Path.cwd()), set()


def hook(event, arguments):
    if event == "open" and str(arguments[0]).startswith(folder):
        seen.add(Path(arguments[0]).name)
    elif event.split(".")[0] in ("socket", "subprocess", "urllib", "ftplib", "pickle", "marshal"):
        # modules come from compiled files, which are marshalled
        if event not in ("marshal.load", "marshal.loads"):
            seen.add(event)
    elif event in ("os.system", "os.exec", "os.posix_spawn", "os.fork"):
        seen.add(event)


import declnet
from declnet.cli.reading import checked_spec

registry = declnet.discover()
sys.addaudithook(hook)
assert checked_spec(Path("spec.json").absolute(), (), registry).problems == ()
print(*sorted(seen))
"""


def test_a_check_opens_only_the_named_files_and_starts_no_process(
    document: dict[str, Any], spec_file, declnet_cli
) -> None:
    spec_file(document, "base.json")
    spec_file({"extends": "base.json", "$schema": "http://localhost:9/schema.json"})
    spec_file("a bystander", "other.toml")
    (declnet_cli.folder / "program.py").write_text(AUDITED)
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=declnet_cli.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.stdout.split()) == ("", ["base.json", "data.npz", "spec.json"])
