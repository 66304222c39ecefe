"""The same results in another process, on another day, of another user."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from declnet import default_registry
from declnet.testing.checking import CheckFailed, Subject, require

Results = Callable[[Subject], Mapping[str, Any]]
"""A function of a module that returns what a component computes, by its name in messages."""

ZONES = (14, -12)
"""Hours between UTC and the first and the last time zone; their dates always differ."""


def require_same_in_another_process(subject: Subject, results: Results, advice: str) -> None:
    """Raise CheckFailed, with advice, if a component computes something else in another process.

    There, texts have other hashes, and it is another day for another user. Only the first example
    is compared, and none of a class that cannot be imported by its name.
    """
    if subject.example:
        return
    path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100  # also of ""
    cls, document = type(subject.instance), subject.instance.model_dump(mode="json")
    functions = [(function.__module__, function.__name__) for function in (results, cls)]
    today, seed = datetime.now().astimezone().date(), os.environ.get("PYTHONHASHSEED")
    zones = {datetime.now(timezone(timedelta(hours=hours))).date(): hours for hours in ZONES}
    hours = next(hours for date, hours in zones.items() if date != today)
    changes = {"TZ": f"ABC{-hours:+d}", "PYTHONHASHSEED": "1" if seed == "0" else "0"}
    changes |= dict.fromkeys(("LOGNAME", "USER", "USERNAME"), "another")
    with TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        done = subprocess.run(
            [sys.executable, "-Pc", "from declnet.testing.another_process import serve; serve()"],
            check=False,
            capture_output=True,
            input=json.dumps([path, functions, document, str(answer)]).encode(),
            cwd=folder,
            env=os.environ | changes,
        )
        if done.returncode:
            lines = done.stderr.decode(errors="replace").splitlines()
            raise CheckFailed(f"it fails in another process: {lines[-1] if lines else 'no error'}")
        digests = json.loads(answer.read_bytes()) if answer.exists() else {}
    expected = _digests(subject, results) if digests else {}
    names = [name for name in expected if expected[name] != digests.get(name)]
    require(not names, f"in another process {', '.join(names)} would be different; {advice}")


def serve() -> None:
    """Write the digests of the results in this process; nothing without the component's class."""
    sys.path[:], functions, document, answer = json.load(sys.stdin)
    with suppress(AttributeError, ImportError):  # if the program that is checked defines it
        results, cls = (getattr(import_module(module), name) for module, name in functions)
        instance = cls.model_validate(document, context={"registry": default_registry()})
        digests = _digests(Subject(instance), results)
        Path(answer).write_text(json.dumps(digests), encoding="utf-8")


def _digests(subject: Subject, results: Results) -> dict[str, str]:
    texts = {name: repr(result).encode() for name, result in results(subject).items()}
    return {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}
