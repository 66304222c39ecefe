"""Portability to other systems: modules, encodings, paths, processes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*(ROOT / "declnet").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")])

POSIX = {"fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "readline", "curses"}
"""Modules that do not exist on Windows."""

BLOCKING = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name in {POSIX}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

for name in {POSIX}:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Blocked())
from declnet.cli.main import run_command_line
sys.exit(run_command_line())
"""
"""Script that runs a command without these modules."""


def test_a_run_and_its_commands_need_no_posix_module(document, spec_file, tmp_path):
    spec_file(document)
    for command in ("run spec.json --out run --quiet", "evaluate run", "runs ."):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", BLOCKING, *command.split()],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


def faults(node: ast.AST, *, runs_on_import: bool = True) -> Iterator[ast.AST]:
    """Yield the expressions of a module that work only on some systems."""
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    names += [node.module] if isinstance(node, ast.ImportFrom) else []
    if runs_on_import and POSIX & {*names}:
        yield node
    if isinstance(node, ast.Call) and (opens_as_the_system_does(node) or is_fork(node)):
        yield node
    is_function = isinstance(node, ast.FunctionDef)
    for child in ast.iter_child_nodes(node):
        yield from faults(child, runs_on_import=runs_on_import and not is_function)


def opens_as_the_system_does(call: ast.Call) -> bool:
    """Return whether a call opens a file as text without an encoding."""
    if isinstance(call.func, ast.Name) and call.func.id == "open":
        mode = call.args[1] if len(call.args) > 1 else ast.Constant("")
        keywords = [keyword.arg for keyword in call.keywords]
        is_text = isinstance(mode, ast.Constant) and "b" not in str(mode.value)
        return is_text and "encoding" not in keywords  # otherwise the caller's mode
    name = getattr(call.func, "attr", "")
    keywords = [keyword.arg for keyword in call.keywords]
    if "text" in keywords and name in ("run", "Popen"):  # output of a process
        return "encoding" not in keywords
    arguments = len(call.args) + len(call.keywords)
    return (name, arguments) in (("read_text", 0), ("write_text", 1))


def is_fork(call: ast.Call) -> bool:
    """Return whether a call starts a process without spawning."""
    name = getattr(call.func, "attr", None) or getattr(call.func, "id", "")
    if name == "get_context":
        return ast.unparse(call) != "get_context('spawn')"
    starts = name in ("Process", "Pool", "ProcessPoolExecutor", "fork")
    return starts and not ast.unparse(call).startswith("context.Process")


def test_texts_have_an_encoding_and_processes_are_spawned():
    calls = r"open\(|read_text\(|write_text\(|text=|get_context|Process|Pool|fork"
    may_have_faults = re.compile("|".join([calls, *POSIX]))  # other files need not be parsed
    texts = {file: file.read_text("utf-8") for file in SOURCES}
    reported = [
        f"{file.relative_to(ROOT).as_posix()}: {ast.unparse(fault)}"
        for file, text in texts.items()
        if may_have_faults.search(text)
        for fault in faults(ast.parse(text))
    ]
    assert reported == ["declnet/cli/process.py: os.fork()"]  # only on Linux, before any thread


RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123")}
"""Names of devices on Windows, with any suffix."""


def test_the_repository_can_be_checked_out_on_every_system():
    listed = ["git", "ls-files", "--stage", "-z"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a checkout")
    entries = [entry.split("\t") for entry in done.stdout.split("\0") if entry]
    links = [path for mode, path in entries if mode.startswith("120000")]
    assert links == []
    paths = [path for _, path in entries]
    assert len({path.lower() for path in paths}) == len(
        paths
    )  # otherwise equal where case is ignored
    assert max(map(len, paths)) <= 120  # of 260 on Windows
    for path in paths:
        for name in path.split("/"):
            assert not {*name} & {*'<>:"\\|?*'}, path
            assert name == name.rstrip(". "), path
            assert name.partition(".")[0].lower() not in RESERVED, path


@pytest.mark.skipif(sys.platform == "win32", reason="long paths are a setting of Windows")
def test_a_run_in_a_folder_with_a_long_path(declnet_cli, document, spec_file, tmp_path):
    """The path is as long as Linux allows for a run's files."""
    spec_file(document)
    folder = tmp_path
    while len(str(folder)) < 3500:
        folder /= "a long name of a folder, with spaces, ünïcode and more " * 3
    folder.mkdir(parents=True)
    declnet_cli.succeeds("run", "spec.json", "--quiet", "--out", folder / "run")
    assert "accuracy" in declnet_cli.succeeds("evaluate", folder / "run")
