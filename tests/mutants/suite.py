"""Tests that can kill a mutant: they ran its statement when the suite was recorded."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coverage import CoverageData
from coverage.exceptions import CoverageException

from tests.mutants.mutating import Mutant

FIRST, BUDGET = 4.0, 24.0
"""Seconds of tests for each mutant in the first stage and in total, as recorded."""

COLLECTING = 0.1
"""Seconds to load a file of tests."""

PER_TURN = 3
"""Number of tests of a file, the fastest first, before the next file's."""


OURS = frozenset(
    ("declnet", "declnet_plugins", "tests", "benchmarks", "conftest", "sitecustomize", "coverage",
     "pytest", "_pytest", "xdist", "execnet", "hypothesis", "_hypothesis_pytestplugin", "__main__",
     "__mp_main__")
)  # fmt: skip
"""Modules that each session imports again or that belong to the recording."""


@dataclass(frozen=True)
class Suite:
    """A recording of the suite.

    Attributes:
        seconds: of each test that passed.
        users: the tests that use each shared fixture.
        modules: modules that the tests import, except declnet's.
    """

    tree: Path
    lines: CoverageData
    seconds: dict[str, float]
    users: dict[str, list[str]]
    modules: list[str]

    @classmethod
    def load(cls, folder: Path) -> Suite:
        """Read a recording."""
        seconds, users = dict[str, float](), defaultdict[str, list[str]](list)
        modules = set[str]()
        for recording in sorted(folder.glob("recordings/*")):
            latest, failed = defaultdict[str, float](float), set[str]()
            for path in recording.glob("tests-*.jsonl"):
                for line in map(json.loads, path.read_text("utf-8").splitlines()):
                    test = without_group(line["test"])
                    latest[test] += line["seconds"]
                    if line["outcome"] != "passed":
                        failed.add(test)
                    for fixture in line.get("fixtures", ()):
                        users[fixture].append(test)
            files = {test.partition("::")[0] for test in latest}
            former = {t: spent for t, spent in seconds.items() if t.partition("::")[0] not in files}
            seconds = former | {test: latest[test] for test in latest.keys() - failed}
            for path in recording.glob("modules-*"):
                modules.update(json.loads(path.read_text("utf-8")))
        lines = CoverageData(str(folder / "lines"))
        lines.read()
        return cls(
            folder / "tree",
            lines,
            seconds,
            dict(users),
            sorted(name for name in modules if name.split(".")[0] not in OURS),
        )

    def tests_of(self, mutant: Mutant) -> tuple[list[str], list[str]]:
        """Return the tests of a mutant: first the likeliest to fail, then the others."""
        by_line = self.lines.contexts_by_lineno(str(self.tree / mutant.file))
        first, last = mutant.lines
        contexts = {
            context
            for line, names in by_line.items()
            if mutant.is_global or first <= line <= last
            for context in names
        }
        tests = {test for name in contexts for test in self.users.get(name, [without_group(name)])}
        path = Path(mutant.file)
        place = path.parts[1:-1] if path.parts[0] == "declnet" else ("plugins", *path.parts[2:-1])
        mirrored = Path("tests", *place, f"test_{path.stem}.py")
        tests &= self.seconds.keys()
        folders = (f"{folder.as_posix()}/" for folder in mirrored.parents)
        while not tests:  # it ran only as a copy of its source or in killed processes
            folder = next(folders)
            tests = {test for test in self.seconds if test.startswith(folder)}
        return self._chosen(tests, mirrored.as_posix())

    def _chosen(self, tests: Iterable[str], mirrored: str) -> tuple[list[str], list[str]]:
        by_file = defaultdict[str, list[str]](list)
        for test in sorted(tests, key=lambda test: self.seconds[test]):
            by_file[test.partition("::")[0]].append(test)
        turns = sorted(
            (file != mirrored, at // PER_TURN, self.seconds[test], test)
            for file, group in by_file.items()
            for at, test in enumerate(group)
        )
        likely, others = list[str](), list[str]()
        spent, files = 0.0, set[str]()
        for *_, seconds, test in turns:
            file = test.partition("::")[0]
            cost = seconds + (0 if file in files else COLLECTING)
            if spent + cost <= FIRST or not likely:
                likely.append(test)
            elif spent + cost <= BUDGET:
                others.append(test)
            else:
                continue
            spent += cost
            files.add(file)
        return likely, others


def without_group(test: str) -> str:
    """Return the name of a test without the group that pytest-xdist appends."""
    return re.sub(r"@[^\]]*$", "", test)


def record(root: Path, folder: Path, jobs: int) -> None:
    """Record which lines each test runs, in a copy of a tree.

    If only tests have changed since the last recording, only these are recorded.
    """
    tree = folder / "tree"
    listed = ["git", "ls-files", "-co", "--exclude-standard"]
    output = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True).stdout
    names = [name for name in output.splitlines() if (root / name).is_file()]
    changed = [
        name
        for name in names
        if not (tree / name).is_file() or (tree / name).read_bytes() != (root / name).read_bytes()
    ]
    tests = [name for name in changed if re.fullmatch(r"tests/.*test_\w+\.py", name)]
    if not (folder / "lines").exists() or any(
        name.endswith(".py") and name not in tests for name in changed
    ):
        shutil.rmtree(folder, ignore_errors=True)
        changed, tests = names, ["tests"]
    for name in changed:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, tree / name)
    if not tests:
        return
    recording = folder / "recordings" / str(time.time_ns())  # later ones override
    recording.mkdir(parents=True)
    environment = {
        **environment_of(tree),
        "DECLNET_RECORDING": str(recording),
        "DECLNET_RECORDED_TREE": str(tree),
        "DECLNET_CACHE_DIR": str(folder / "cache"),
    }
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(tree / "tests" / "mutants" / "startup"), environment["PYTHONPATH"]]
    )
    pytest = ("-m", "pytest", "-q", "-p", "tests.mutants.recording", "-p", "no:cacheprovider",
              "-n", str(jobs), "--dist", "loadgroup")  # fmt: skip
    subprocess.run([sys.executable, *pytest, *tests], cwd=tree, env=environment, check=False)
    lines = CoverageData(str(folder / "lines"))
    lines.read()
    for path in recording.glob("lines.*"):
        part = CoverageData(str(path))
        with suppress(CoverageException):  # from a process that a test has killed
            part.read()
            lines.update(part)
        path.unlink()
    lines.write()


def environment_of(tree: Path) -> dict[str, str]:
    """Return an environment in which processes import declnet from a tree."""
    path = os.pathsep.join(map(str, (tree, tree / "plugins")))
    return {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
