"""Checks in a subprocess: there is a report even if a component ends the process."""

from __future__ import annotations

import os
import signal
from typing import ClassVar

import pytest

from declnet import Metric
from declnet.testing import check_component

from ..distributions import write_distribution

SOURCE = """
import os, signal, time
from pathlib import Path
from declnet import Metric, hookimpl

SPOILED = []

class Good(Metric):
    type = "good"
    def start(self): return [0]
    def update(self, state, y_pred, y_true): state[0] += 1
    def result(self, state): return 0.0 if state[0] else float("nan")

{classes}
@hookimpl
def declnet_register(register):
    {first}
    for name, cls in list(globals().items()):
        if isinstance(cls, type) and issubclass(cls, Metric) and cls is not Metric:
            register(cls)
"""
CLASS = """
class {name}(Metric):
    "A constant."
    type = "{type}"
    def start(self): return [0]
    def update(self, state, y_pred, y_true):
        state[0] += 1
        {body}
    def result(self, state): return 0.0 if state[0] else float("nan")
"""

ENDS = {
    "loops": (
        "while True: time.sleep(0.1)",
        "it was still running after 5 seconds; the component's other checks were not run",
    ),
    "grows": ("bytearray(2**31)", "raised MemoryError"),
    "prints": ("print('a hint'); raise ValueError('wrong')", "raised ValueError: wrong"),
    "spoilt": ("assert not SPOILED", "it passes alone, but after the plugin's other components"),
    "exits": ("os._exit(0)", "it ended the process, with exit status 0;"),
    "crashes": ("os.kill(os.getpid(), signal.SIGKILL)", "it ended the process, with SIGKILL"),
    "interrupts": ("raise KeyboardInterrupt", "raised KeyboardInterrupt"),
}


class OddError(BaseException):
    pass


class MuteError(Exception):
    def __str__(self):
        raise OddError


class Raising(Metric):
    """A constant."""

    type = "raising"
    raised: ClassVar[BaseException]

    def start(self):
        return [0.0]

    def update(self, state, y_pred, y_true):
        raise self.raised

    def result(self, state):
        return 0.0


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (GeneratorExit(), "GeneratorExit"),
        (SystemExit(0), "SystemExit: 0"),
        (OddError("so\nodd"), "OddError: so"),
        (MuteError(), "MuteError: its message cannot be shown: __str__ raised OddError"),
    ],
)
def test_every_exception_is_a_failed_check(error, message):
    class Raised(Raising):
        """A constant."""

        raised = error

    (first, *_) = check_component(Raised, raise_on_failure=False).failed
    assert f"raised {message}" in first.message


@pytest.fixture
def plugin(tmp_path, command_in):
    """Install a plugin of metrics whose `update` has these bodies, and return its command line."""

    def make(bodies, first="pass"):
        classes = "".join(
            CLASS.format(name=kind.capitalize(), type=kind, body=body)
            for kind, body in bodies.items()
        )
        source = SOURCE.format(classes=classes, first=first)
        site = write_distribution(tmp_path / "site", "declnet-odd", source)
        return command_in(tmp_path, site)

    return make


@pytest.mark.skipif(
    os.environ.get("DECLNET_TEST_CHECKS") != "all", reason="it waits for limits: nox -s long"
)
def test_a_crash_or_hang_is_a_failed_check_and_other_components_are_checked(plugin):
    bodies = {kind: body for kind, (body, _) in ENDS.items()}
    done = plugin({**bodies, "spoils": "SPOILED.append(1)", "last": "pass"})(
        "plugins", "check", "declnet-odd", "--timeout", "5"
    )
    assert (done.returncode, done.stderr) == (1, "")
    *lines, summary = done.stdout.splitlines()
    for kind, (_, message) in ENDS.items():
        assert any(line.startswith(f"metric:{kind}[0] ") and message in line for line in lines)
    assert any("it prints to standard output: 'a hint" in line for line in lines)
    assert any("declnet_odd.py" in line and "in update" in line for line in lines)  # endless loop
    assert not any(" failed: " in line for line in lines if line.startswith("metric:last["))
    assert summary.startswith("declnet-odd: ")
    assert any(line.startswith("metric:last[") for line in lines)
    assert not any(line.startswith("plugin:") for line in lines)


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("os._exit(0)", "it ended the process, with exit status 0"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_a_crash_at_registration_is_a_failure(plugin, first, message):
    done = plugin({}, first)("plugins", "check", "declnet-odd")
    assert done.returncode == 1
    assert done.stdout.startswith("plugin:declnet")
    assert message in done.stdout


def test_ctrl_c_stops_the_checks(plugin, tmp_path):
    started = tmp_path / "started"
    command = plugin({"slow": f"Path({str(started)!r}).touch(); time.sleep(60)"})
    with command.start("plugins", "check", "declnet-odd", start_new_session=True) as process:
        while not started.exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "\ninterrupted\n")
