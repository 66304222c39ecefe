"""A pytest plugin that records each test's time, outcome and fixtures along with its lines.

The lines of a fixture shared by tests are recorded under the fixture's name.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ["DECLNET_RECORDING"])
CURRENT = FOLDER / f"current-{os.getpid()}"


def switch(context: str) -> None:
    """Attribute subsequent lines to a context, also in new subprocesses."""
    from sitecustomize import recorder  # type: ignore[import-not-found]

    CURRENT.write_text(context, "utf-8")
    os.environ["DECLNET_CURRENT_TEST"] = str(CURRENT)
    recorder.switch_context(context)


def shared_fixtures(item: Any) -> list[str]:
    """Return the contexts of a test's fixtures that other tests may have set up."""
    definitions = item._fixtureinfo.name2fixturedefs.values()
    return [context_of(several[-1]) for several in definitions if several[-1].scope != "function"]


def context_of(fixture: Any) -> str:
    """Return the context of a fixture."""
    return f"fixture {fixture.baseid} {fixture.argname}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    switch(item.nodeid)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Generator[None, object, object]:
    if fixturedef.scope == "function":
        return (yield)
    before = CURRENT.read_text("utf-8")
    switch(context_of(fixturedef))
    try:
        return (yield)
    finally:
        switch(before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
    report = yield
    line = {
        "test": item.nodeid,
        "when": call.when,
        "outcome": report.outcome,
        "seconds": call.duration,
    }
    if call.when == "call":
        line["fixtures"] = shared_fixtures(item)
    with (FOLDER / f"tests-{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return report


def pytest_sessionfinish() -> None:
    (FOLDER / f"modules-{os.getpid()}.json").write_text(json.dumps([*sys.modules]), "utf-8")
