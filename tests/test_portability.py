"""What other systems than this one need: modules that all have, encodings, paths, processes."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*(ROOT / "declnet").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")])

IMPORT_ALL = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

BLOCKED = ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "readline", "curses")
for name in BLOCKED:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Blocked())
import declnet, declnet_plugins

def fail(name):
    raise

for package in (declnet, declnet_plugins):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.", fail):
        if module.name.endswith(".__main__"):
            continue
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if error.name in BLOCKED or error.name.startswith("declnet"):
                print(f"{module.name}: {error}")
"""
"""Imports every module; other missing modules are those of extras."""


def test_no_module_imports_one_that_only_posix_has():
    command = [sys.executable, "-W", "ignore", "-c", IMPORT_ALL]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def calls(file):
    """Yield each call of a file, as it is written, with the name that is called."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
            yield name, node, f"{file.relative_to(ROOT).as_posix()}: {ast.unparse(node)}"


def opens_as_the_system_does(name, call):
    """Whether a call opens a text without its encoding; not in bytes, e.g. of an archive."""
    arguments = len(call.args) + len(call.keywords)
    is_builtin = isinstance(call.func, ast.Name)
    mode = ast.unparse(call.args[1]) if len(call.args) > 1 else "''"  # a name: of the caller
    if name == "open" and is_builtin:
        keywords = [keyword.arg for keyword in call.keywords]
        return mode.startswith("'") and "b" not in mode and "encoding" not in keywords
    return (name, arguments) in (("read_text", 0), ("write_text", 1))


def starts_otherwise_than_by_spawn(name, written):
    if name == "get_context":
        return "('spawn')" not in written
    is_of_context = "context.Process" in written
    return name in ("Process", "Pool", "ProcessPoolExecutor", "fork") and not is_of_context


def test_texts_have_an_encoding_and_processes_are_spawned():
    faults = [
        written
        for file in SOURCES
        for name, call, written in calls(file)
        if opens_as_the_system_does(name, call) or starts_otherwise_than_by_spawn(name, written)
    ]
    assert faults == ["declnet/cli/process.py: os.fork()"]  # on Linux alone, before any thread


RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123")}
"""Names of devices on Windows, whatever the suffix."""


def test_every_system_can_check_out_the_repository():
    listed = ["git", "ls-files", "--stage", "-z"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a checkout")
    entries = [entry.split("\t") for entry in done.stdout.split("\0") if entry]
    links = [path for mode, path in entries if mode.startswith("120000")]
    assert links == []
    paths = [path for _, path in entries]
    assert len({path.lower() for path in paths}) == len(paths)  # else one where case is ignored
    assert max(map(len, paths)) <= 120  # of the 260 of Windows
    for path in paths:
        for name in path.split("/"):
            assert not {*name} & {*'<>:"\\|?*'}, path
            assert name == name.rstrip(". "), path
            assert name.partition(".")[0].lower() not in RESERVED, path


@pytest.mark.skipif(sys.platform == "win32", reason="long paths are a setting of Windows")
def test_a_run_in_a_folder_with_a_long_path(declnet_cli, document, spec_file, tmp_path):
    """As long as Linux allows, less what the run adds."""
    spec_file(document)
    folder = tmp_path
    while len(str(folder)) < 3500:
        folder /= "a long name of a folder, with spaces, ünïcode and more " * 3
    folder.mkdir(parents=True)
    declnet_cli.succeeds("run", "spec.json", "--quiet", "--out", folder / "run")
    predicted = declnet_cli.succeeds("evaluate", folder / "run")
    assert "accuracy" in predicted
