"""The same results in another process, on another day, of another user."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from declnet import default_registry
from declnet.testing.checking import CheckFailed, Subject

PROGRAM = "from declnet.testing.another_process import serve; serve()"

ANSWER = "answer.json"

ZONES = (14, -12)
"""Hours between UTC and the first and the last time zone; their dates always differ."""


def require_same_in_another_process(
    subject: Subject, results: Callable[[Subject], Mapping[str, Any]], advice: str
) -> None:
    """Raise CheckFailed, with advice, if a component computes something else in another process.

    There, texts have other hashes, and it is another day for another user. Only the first example
    is compared, and none of a class that cannot be imported by its name.

    Args:
        subject: the component.
        results: a function of a module: what the component computes, by its name in messages.
        advice: what to do about a difference.
    """
    cls = type(subject.instance)
    if subject.example or getattr(sys.modules[cls.__module__], cls.__name__, None) is not cls:
        return
    request = {
        "path": [os.path.abspath(entry) for entry in sys.path],  # noqa: PTH100  # also of ""
        "component": (cls.__module__, cls.__name__),
        "document": subject.instance.model_dump(mode="json"),
        "results": (results.__module__, results.__name__),
    }
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-P", "-c", PROGRAM],
            check=False,
            capture_output=True,
            input=json.dumps(request).encode(),
            cwd=folder,
            env=os.environ | _changed_environment(),
        )
        if done.returncode:
            (last,) = done.stderr.decode(errors="replace").splitlines()[-1:] or [done.returncode]
            raise CheckFailed(f"it fails in another process: {last}")
        answer = json.loads(Path(folder, ANSWER).read_bytes())
    digests = _digests(subject, results)
    names = [name for name in digests if answer and answer.get(name) != digests[name]]
    if names:
        raise CheckFailed(f"in another process {', '.join(names)} would be different; {advice}")


def _changed_environment() -> dict[str, str]:
    """Return variables for other hashes of texts, another date and another user."""
    today, seed = datetime.now().astimezone().date(), os.environ.get("PYTHONHASHSEED")
    dates = {hours: datetime.now(timezone(timedelta(hours=hours))).date() for hours in ZONES}
    hours = next(hours for hours in ZONES if dates[hours] != today)
    user = dict.fromkeys(("LOGNAME", "USER", "USERNAME"), "another")
    return {"TZ": f"ABC{-hours:+d}", "PYTHONHASHSEED": "1" if seed == "0" else "0", **user}


def serve() -> None:
    """Write the digests of the results in this process, or null without the component's class."""
    request, digests = json.load(sys.stdin), None
    sys.path[:] = request["path"]
    try:
        cls, results = (
            getattr(import_module(module), name)
            for module, name in (request["component"], request["results"])
        )
    except (AttributeError, ImportError):  # the program that is checked defines it
        pass
    else:
        context = {"registry": default_registry()}
        instance = cls.model_validate(request["document"], context=context)
        digests = _digests(Subject(instance), results)
    Path(ANSWER).write_text(json.dumps(digests), encoding="utf-8")


def _digests(subject: Subject, results: Callable[[Subject], Mapping[str, Any]]) -> dict[str, str]:
    return {
        name: hashlib.sha256(repr(result).encode()).hexdigest()
        for name, result in results(subject).items()
    }
