"""Record the lines of the tree that each process runs for the current test.

The folder of this file is on the import path of all processes in a recording.
"""

import atexit
import os
from collections.abc import Callable
from pathlib import Path

import coverage

FOLDER, TREE = Path(os.environ["DECLNET_RECORDING"]), Path(os.environ["DECLNET_RECORDED_TREE"])

recorder = coverage.Coverage(
    data_file=str(FOLDER / "lines"),
    data_suffix=True,
    config_file=False,
    source=[str(TREE / "declnet"), str(TREE / "plugins" / "declnet_plugins")],
)
recorder.set_option("run:disable_warnings", [
    "already-imported", "module-not-imported", "module-not-measured", "no-data-collected",
    "trace-changed",
])  # fmt: skip


def follow() -> None:
    """Attribute subsequent lines to the test that started or forked this process."""
    current = Path(os.environ.get("DECLNET_CURRENT_TEST", os.devnull))
    if test := current.read_text("utf-8") if current.exists() else "":
        recorder.switch_context(test)


def end(status: int, leave: Callable[[int], None] = os._exit) -> None:
    """Save the lines before a process exits without running `atexit` functions."""
    recorder.save()
    leave(status)


recorder.start()
atexit.register(recorder.save)
follow()
os._exit = end  # type: ignore[assignment]
os.register_at_fork(after_in_child=follow)
