"""Compare figures that must not grow with their record: `python benchmarks/ratchets.py [FIGURE…]`.

Figures are the lines of code of each package, the percentage of mutants that survive, the files and
functions that commands run, the megabytes that an installation takes, and the instructions of an
import. `ratchets.toml` holds them.
A figure may fall at any time. `--accept` records the current values; a commit that raises one gives
the reason. The exit code is 1 if a figure has risen.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tempfile
import tokenize
import tomllib
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

import tomli_w

ROOT = Path(__file__).parent.parent
RECORD = Path(__file__).with_name("ratchets.toml")
MUTANTS = ROOT / "tests" / "mutants" / "record.txt"

SPIRAL = "specs/spiral_adam.toml"
COMMANDS = {
    "run": f"run {SPIRAL} --quiet --set training.epochs=3 --out OUT/run",
    "resume": "resume OUT/run",
    "a wrong key": f"check {SPIRAL} --set optimizer.lr=1",
    "predict": "predict OUT/wine specs/data/wine.csv -o OUT/predicted.csv",
    "sweep": "sweep specs/optimizers --set training.epochs=3 --jobs 1 --quiet --out OUT/sweep",
}
"""Commands whose files and functions are counted; OUT is a folder of the measurement."""

WINE = "run specs/two_heads.toml --quiet --set training.epochs=3 --out OUT/wine"

Figures = dict[str, float]


def lines_of_code() -> Figures:
    """Return the lines of each package, without docstrings, comments and blank lines."""
    listed = ["git", "ls-files", "-co", "--exclude-standard", "*.py"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    total = Counter[str]()
    for name in names.splitlines():
        parts = Path(name).parts
        depth = {"declnet": 2, "plugins": 3}.get(parts[0], 1)
        if (ROOT / name).is_file():
            package = "/".join(parts[: min(depth, len(parts) - 1)])
            total[package] += code_lines((ROOT / name).read_text("utf-8"))
    return {name: float(count) for name, count in sorted(total.items())}


def code_lines(text: str) -> int:
    """Return the number of lines that hold code."""
    documented = set[int]()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                documented.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines = set[int]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skipped | {tokenize.ENDMARKER}:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - documented)


def mutants_that_survive() -> Figures:
    """Return the percentage of the sample that the tests do not kill, as `nox -s mutants` found."""
    lines = MUTANTS.read_text("utf-8").splitlines()
    states = Counter(line.split()[0] for line in lines if line.startswith(" "))
    survivors = states["survived"] + states["unreached"]
    return {"survivors, percent": round(100 * survivors / states.total(), 1)}


def files_and_functions() -> Figures:
    """Return how many files and functions of declnet and its plugins each command runs."""
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        run_counted(WINE, folder)
        for name, command in COMMANDS.items():
            files, functions = run_counted(command, folder)
            figures |= {f"{name}: files": files, f"{name}: functions": functions}
    return figures


def run_counted(command: str, folder: str) -> tuple[int, int]:
    """Run a command in a separate process; return the files and functions that it ran."""
    arguments = command.replace("OUT", folder).split()
    counted = [sys.executable, __file__, "--count", *arguments]
    done = subprocess.run(counted, cwd=ROOT, capture_output=True, text=True, check=False)
    counts = re.findall(r"^(\d+) files, (\d+) functions$", done.stderr, re.MULTILINE)
    if not counts:
        raise RuntimeError(f"declnet {command} could not be counted:\n{done.stderr}")
    return int(counts[-1][0]), int(counts[-1][1])


def count(arguments: list[str]) -> None:
    """Run a command in this process and print the files and functions that it ran."""
    from declnet.cli.main import run_command_line

    functions = set[tuple[str, str]]()

    def note(frame: FrameType, event: str, _: object) -> None:
        is_function = frame.f_code.co_flags & 1  # not the body of a module or class
        module = str(frame.f_globals.get("__name__", ""))
        if event == "call" and is_function and module.startswith("declnet"):
            functions.add((frame.f_code.co_filename, frame.f_code.co_qualname))

    sys.argv = ["declnet", *arguments]
    sys.setprofile(note)
    try:
        run_command_line()
    finally:
        sys.setprofile(None)
    files = {file for file, _ in functions}
    print(f"{len(files)} files, {len(functions)} functions", file=sys.stderr)


def megabytes_installed() -> Figures:
    """Return the size of declnet and of everything that its core requires, as installed."""
    from measuring.installed_size import megabytes  # importable from this script only

    return {"core": round(megabytes() * 1e6 / 2**20, 1)}


def import_instructions() -> Figures:
    """Return the millions of instructions of `import declnet` and `declnet --version`."""
    figures = Figures()
    for name, code in (
        ("nothing", "pass"),
        ("import declnet", "import declnet"),
        ("declnet --version", "import sys; from declnet.cli.main import run_command_line; "
         "sys.argv = ['declnet', '--version']; run_command_line()"),
    ):  # fmt: skip
        counting = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        command = [*counting, sys.executable, "-c", code]
        environment = {"PYTHONHASHSEED": "0", "PATH": "/usr/bin:/bin"}
        subprocess.run(command[-3:], env=environment, capture_output=True, check=False)  # compiles
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        collected = re.findall(r"Collected\s*:\s*(\d+)", done.stderr)
        figures[name] = round(int(collected[-1]) / 1e6)
    base = figures.pop("nothing")
    return {name: value - base for name, value in figures.items()}


MEASURES: Mapping[str, tuple[Callable[[], Figures], float]] = {
    "lines": (lines_of_code, 0.005),
    "mutants": (mutants_that_survive, 0.0),
    "reach": (files_and_functions, 0.02),
    "megabytes": (megabytes_installed, 0.05),
    "instructions": (import_instructions, 0.03),
}
"""The function that measures each kind of figure, and the relative increase that passes."""

QUICK = ("lines", "mutants", "reach")
"""Kinds that take seconds to measure and do not depend on versions of other packages."""


def main() -> int:
    """Run the command line, and return its exit code."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="FIGURE", help=", ".join(MEASURES))
    parser.add_argument("--accept", action="store_true", help="record the current values")
    options = parser.parse_args()
    record = tomllib.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
    rises = 0
    for kind in options.kinds or QUICK:
        measure, tolerance = MEASURES[kind]
        before, now = record.get(kind, {}), measure()
        for name in [*now, *(name for name in before if name not in now)]:
            old, new = before.get(name, 0), now.get(name, 0)
            risen = new > old * (1 + tolerance)
            rises += risen
            if old != new:
                print(f"{kind}, {name}: {old:g} → {new:g}{' has risen' if risen else ''}")
        record[kind] = now
    if options.accept:
        RECORD.write_text(tomli_w.dumps(record), "utf-8")
    elif rises:
        print("record a rise by --accept, and give the reason in the commit")
    return 1 if rises and not options.accept else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--count"]:
        count(sys.argv[2:])
    else:
        sys.exit(main())
