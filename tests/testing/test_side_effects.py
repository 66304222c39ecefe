"""A component's changes to process state are a failed check and are undone."""

import os
import random
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

from declnet import Calibrator
from declnet.testing import check_component

from .right.layers import Doubled
from .right.others import Squares

HELD, STOP = [], threading.Event()


def leave_a_thread():
    STOP.clear()
    threading.Thread(target=STOP.wait).start()


def leave_a_process():
    if not HELD:
        HELD.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))


def leave_a_file():
    if not HELD:
        HELD.append(open(os.devnull, encoding="utf-8"))  # noqa: PTH123, SIM115


def replace_a_function():
    np.linalg.norm = np.linalg.det


def replace_a_method():
    Calibrator.summary = Calibrator.apply


EFFECTS = {
    "prints to standard output: 'odd": lambda: print("odd"),  # noqa: T201
    "prints to standard error: 'odd": lambda: sys.stderr.write("odd"),
    "changes NumPy's error handling (in ": lambda: np.seterr(all="ignore"),
    "changes NumPy's global random generator": np.random.random,
    "changes Python's global random generator": random.random,
    "changes the environment variables": lambda: os.environ.update(DECLNET_ODD="1"),
    "changes the working directory": lambda: os.chdir("/"),
    "changes sys.path": lambda: sys.path.append("/odd"),
    "changes the warning filters": lambda: warnings.simplefilter("ignore", UserWarning),
    "leaves a thread behind": leave_a_thread,
    "leaves a child process behind": leave_a_process,
    "leaves an open file behind": leave_a_file,
    "replaces numpy.linalg.norm": replace_a_function,
    "replaces Calibrator.summary": replace_a_method,
}
ON_LINUX = ("leaves a child process behind", "leaves an open file behind")


@pytest.fixture(autouse=True)
def _ended():
    yield
    STOP.set()
    for held in HELD:
        held.communicate() if isinstance(held, subprocess.Popen) else held.close()
    HELD.clear()


def fault_of(component):
    failures = check_component(component, raise_on_failure=False).failed
    assert [failure.check for failure in failures] == ["has_no_side_effects"], failures
    return failures[0].message


class Odd(Squares):
    """penalty = strength * sum w**2."""

    type = "odd"

    def penalty(self, w):
        for effect in EFFECTS.values():
            effect()
        return super().penalty(w)


def process():
    functions = np.linalg.norm, Calibrator.summary
    return dict(os.environ), os.getcwd(), [*sys.path], [*warnings.filters], np.geterr(), functions  # noqa: PTH109


def test_side_effects_are_a_failed_check_and_are_undone():
    before = process()
    message = fault_of(Odd)
    for fault in EFFECTS:
        if sys.platform == "linux" or fault not in ON_LINUX:
            assert f"it {fault}" in message or f"and {fault}" in message
    assert process() == before


def test_storing_an_argument_and_setting_an_attribute_are_side_effects():
    class Keeping(Doubled):
        """y = 2 * x."""

        type = "keeping"

        def forward(self, x, y, state):
            super().forward(x, y, state)
            HELD[:] = [x[:1]]
            object.__setattr__(self, "_calls", 1)

        def backward(self, x, y, dy, dx, state):
            super().backward(x, y, dy, dx, state)

    try:
        fault = fault_of(Keeping)
    finally:
        HELD.clear()
    assert "keeps an array that forward receives" in fault
    assert "sets self._calls" in fault


def test_state_that_grows_with_each_use_is_found():
    class Growing(Squares):
        """penalty = strength * sum w**2."""

        type = "growing"

        def penalty(self, w):
            GROWN.append(1)
            return super().penalty(w)

    report = check_component(Growing, raise_on_failure=False)
    assert "frees_its_memory" in {outcome.check for outcome in report.failed}


GROWN = []
