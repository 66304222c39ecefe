"""Run mutants and record which of them the tests kill: `python -m tests.mutants [FILE…]`.

    python -m tests.mutants                 run the sample and record the outcomes
    python -m tests.mutants declnet/spec    run the mutants of these files or folders
    python -m tests.mutants --new           run mutants that are not in the record
    python -m tests.mutants --survivors     run recorded survivors again
    python -m tests.mutants --show          list the survivors without running mutants

Run it from the repository's root, with all extras. The suite runs once to record which lines each
test runs; if only tests have changed since the last recording, only these run again. Each mutant is
then run against the tests that ran its statement, the fastest first, for some seconds. `record.txt`
has the outcomes. Mutants run in a fixed random order, so an interrupted run is a sample, too.
"""

from __future__ import annotations

import multiprocessing
import os
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable
from multiprocessing.util import Finalize
from pathlib import Path

from tests.mutants.mutating import Mutant, sample
from tests.mutants.running import Worker, import_all
from tests.mutants.suite import Suite, record

ROOT = Path(__file__).parents[2]
RECORD = Path(__file__).with_name("record.txt")
FOLDER = (ROOT / ".mutants").resolve()

Key = tuple[str, str]
"""A mutant's file and name."""


def read_record() -> dict[Key, str]:
    """Return the recorded state of each mutant."""
    states, file = dict[Key, str](), ""
    for line in RECORD.read_text("utf-8").splitlines() if RECORD.exists() else ():
        if line.startswith(" "):
            state, name = line.split(maxsplit=1)
            states[file, name] = state
        else:
            file = line
    return states


def write_record(states: dict[Key, str]) -> None:
    """Write the state of each mutant, one per line, below its file."""
    lines, before = list[str](), ""
    for (file, name), state in sorted(states.items()):
        lines += [file] if file != before else []
        lines.append(f"  {state} {name}")
        before = file
    RECORD.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def print_figures(mutants: Iterable[Mutant], states: dict[Key, str]) -> None:
    """Print the numbers of mutants of each package that were run and killed."""
    run, killed = Counter[str](), Counter[str]()
    for mutant in mutants:
        if state := states.get((mutant.file, mutant.name)):
            for name in (mutant.package, "all"):
                run[name] += 1
                killed[name] += state in ("killed", "timeout")
    for name in sorted(run, key=lambda name: (name == "all", name)):
        print(f"{name:34} {killed[name]:4} of {run[name]:4}  {killed[name] / run[name]:6.1%}")


def describe(mutant: Mutant, root: Path) -> str:
    """Return the position of a mutant and its change."""
    before = (root / mutant.file).read_bytes()[mutant.start : mutant.end].decode()
    return f"{mutant.file}:{mutant.lines[0]} {mutant.function}: {before} → {mutant.text}"


workers = list[Worker]()
"""The worker of this process in the pool."""


def prepare(suite: Suite) -> None:
    """Set up this process to run mutants."""
    workers.append(Worker(FOLDER, suite))
    Finalize(None, workers[0].end, exitpriority=0)


def run(task: tuple[Mutant, tuple[list[str], ...]]) -> tuple[Mutant, str, str]:
    """Run a mutant in this process against its tests."""
    return task[0], *workers[0].state(*task)


def main() -> None:
    """Run the command line."""
    parser = ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--new", action="store_true", help="run mutants that are not in the record")
    parser.add_argument("--survivors", action="store_true", help="run recorded survivors again")
    parser.add_argument("--show", action="store_true", help="list the survivors; run nothing")
    parser.add_argument("--as-recorded", action="store_true", help="run the tree of the recording")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    options = parser.parse_args()
    if not options.show and not options.as_recorded:
        record(ROOT, FOLDER, options.jobs)
    root = FOLDER / "tree" if options.as_recorded else ROOT
    mutants, states = sample(root), read_record()
    keys = {(mutant.file, mutant.name) for mutant in mutants}
    states = {key: state for key, state in states.items() if key in keys}
    chosen = [
        mutant
        for mutant in sorted(mutants, key=lambda mutant: mutant.rank)
        if not options.files or any(mutant.file.startswith(name) for name in options.files)
        if not options.new or (mutant.file, mutant.name) not in states
        if not options.survivors
        or states.get((mutant.file, mutant.name)) in ("survived", "unreached")
    ]
    if options.show:
        for mutant in chosen:
            if (state := states.get((mutant.file, mutant.name))) in ("survived", "unreached"):
                print(f"{state}: {describe(mutant, root)}")
    else:
        suite = Suite.load(FOLDER)
        import_all(suite.modules)
        tasks = [(mutant, suite.tests_of(mutant)) for mutant in chosen]  # not in a fork: SQLite
        with multiprocessing.get_context("fork").Pool(options.jobs, prepare, (suite,)) as pool:
            for mutant, state, test in pool.imap_unordered(run, tasks):
                states[mutant.file, mutant.name] = state
                print(f"{state}: {describe(mutant, root)} {test}".rstrip(), flush=True)
                write_record(states)
            pool.close()
            pool.join()
    print_figures(mutants, states)


if __name__ == "__main__":
    main()
