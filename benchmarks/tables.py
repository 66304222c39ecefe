"""Compare declnet's networks for tables with other libraries' models on real tables.

    python benchmarks/tables.py --sets development --methods "* bagged" [--jobs 2]
    python benchmarks/tables.py --sets reporting --methods "* bagged" "* tuned" --splits 0
    python benchmarks/tables.py --quick --sets pima wdbc --methods "* bagged"
    python benchmarks/tables.py --forget --methods "declnet*"
    python benchmarks/tables.py --report [--page FILE.md] [--picture FILE.png]
    python benchmarks/tables.py --list

The first two fit every method to every split of every set that has no line in the results yet, the
first splits of the smallest sets first, each in a new process with one thread. They may be stopped
at any time, and are resumed by the same command. The third tries methods on few rows. The fourth
removes results, to fit again what has changed. The fifth prints what the results say, or writes it
between two lines of a page. benchmarks/README.md describes the sets, the methods and the measures.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from fnmatch import fnmatchcase
from pathlib import Path
from time import perf_counter

from measuring.options import positive, report
from measuring.processes import ProcessError, Processes
from tabular.methods import METHODS
from tabular.results import Key, Record, append_record, key_of, read_records, write_records
from tabular.sets import GROUPS, LISTINGS, load, members, names
from tabular.tasks import MORE_SPLITS, SPLITS, Task, quick_task_of, task_of

RESULTS = Path(__file__).parent / "tabular" / "results.jsonl"
CACHES = Path(tempfile.gettempdir()) / "declnet-benchmarks"
QUICK_RESULTS = CACHES / "quick.jsonl"
"""Compiled kernels are shared by all fits; fits of few rows are stored apart from the results."""

BEGIN, END = "\n% report\n", "\n% end of report\n"
"""The lines of a page between which the report is."""


def chosen(patterns: Sequence[str], among: Sequence[str], what: str) -> list[str]:
    """Return the names that match a pattern; raise ValueError for one that matches none."""
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in among):
            raise ValueError(f"no {what} matches {pattern!r}; there are {', '.join(among)}")
    return [name for name in among if any(fnmatchcase(name, pattern) for pattern in patterns)]


def chosen_sets(patterns: Sequence[str], among: Sequence[str]) -> list[str]:
    """Return the sets that match a pattern or are in a group of that name."""
    names = [name for pattern in patterns for name in _set_patterns(pattern, among)]
    return chosen(names, among, "set")


def _set_patterns(pattern: str, among: Sequence[str]) -> list[str]:
    if pattern not in GROUPS:
        return [pattern]
    return [name for name in members(pattern) if name in among]


def unfinished(
    tasks: Sequence[Task], methods: Sequence[str], records: dict[Key, Record]
) -> list[Key]:
    """Return what to fit, the first splits of the sets with the fewest cells first.

    A result from other data, such as another version of a set, counts as missing.
    """
    keys = []
    for task in sorted(tasks, key=lambda task: (task.split, len(task.learning) * task.data.width)):
        fingerprint = task.fingerprint
        listing = LISTINGS[task.data.name]
        for method in (name for name in methods if METHODS[name].suits(listing)):
            key = (task.data.name, task.split, method)
            if records.get(key, {}).get("data") != fingerprint:
                keys.append(key)
    return keys


def fit_all(keys: Sequence[Key], path: Path, jobs: int, processes: Processes, quick: bool) -> int:
    """Fit each key, append its record to the results, and return how many failed."""
    failures, pool = 0, ThreadPoolExecutor(jobs)
    try:
        running = {pool.submit(fit_one, processes, key, quick): key for key in keys}
        for number, done in enumerate(as_completed(running), 1):
            name, split, method = running[done]
            progress = f"[{number}/{len(keys)}] {name}, split {split}, {method}"
            try:
                record, seconds = done.result()
            except ProcessError as error:
                failures += 1
                report(f"{progress}: failed: {error}")
                continue
            append_record(path, record)
            fitted = record["processor_seconds"]
            report(f"{progress}: {record['error']:.4f}, {fitted:.1f} s of {seconds:.1f}")
    finally:
        pool.shutdown(cancel_futures=True)
    return failures


def fit_one(processes: Processes, key: Key, quick: bool) -> tuple[Record, float]:
    """Fit a method in a new process; return its record and the seconds of the process."""
    with tempfile.TemporaryDirectory() as folder:
        result, start = Path(folder) / "record.json", perf_counter()
        options = ["--quick"] if quick else []
        processes.python("-m", "tabular.fit", key[0], str(key[1]), key[2], result, *options)
        record = json.loads(result.read_text(encoding="utf-8"))
    if key_of(record) != key:
        raise ProcessError(f"a record of {key_of(record)}")
    return record, perf_counter() - start


def run(arguments: argparse.Namespace, records: dict[Key, Record]) -> int:
    """Fit what is not finished."""
    methods = []
    for name in arguments.methods:
        if METHODS[name].missing:
            report(f"{name} skipped: {METHODS[name].missing} is not installed")
        else:
            methods.append(name)
    load_task = quick_task_of if arguments.quick else task_of
    tasks = [load_task(name, split) for name in arguments.sets for split in arguments.splits]
    keys = unfinished(tasks, methods, records)
    report(f"{len(keys)} to fit of {len(unfinished(tasks, methods, {}))}")
    processes = Processes(1, CACHES, arguments.timeout)
    failures = fit_all(keys, arguments.results, arguments.jobs, processes, arguments.quick)
    if failures:
        report(f"{failures} failed; the same command tries them again")
    return int(failures > 0)


def forget(arguments: argparse.Namespace, records: dict[Key, Record]) -> int:
    """Remove the results of the chosen sets, splits and methods."""
    chosen_ones = (arguments.sets, arguments.splits, arguments.methods)
    remaining = [
        record
        for key, record in records.items()
        if not all(part in among for part, among in zip(key, chosen_ones, strict=True))
    ]
    write_records(arguments.results, remaining)
    report(f"{len(records) - len(remaining)} of {len(records)} results removed")
    return 0


def with_report(page: str, text: str) -> str:
    """Return a page with another report between its two marks; raise ValueError without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no lines {BEGIN.strip()!r} and {END.strip()!r}")
    return f"{before}{begin}\n{text}{end}{after}"


def write_report(arguments: argparse.Namespace, records: dict[Key, Record]) -> int:
    """Print or write the tables, and draw the picture."""
    from tabular.report import lines_of, sections_of

    sections = sections_of(records, arguments.sets, arguments.methods)
    text = "\n".join(lines_of(sections)) + "\n"
    if arguments.page:
        arguments.page.write_text(with_report(arguments.page.read_text("utf-8"), text), "utf-8")
    else:
        print(text, end="")
    if arguments.picture:
        from pictures.tables import draw_tables

        draw_tables(sections[0].errors, arguments.picture)
    return 0


def list_sets(arguments: argparse.Namespace, records: dict[Key, Record]) -> int:  # noqa: ARG001
    """Print the sizes of the sets."""
    print("| set | rows | features | categories | target | wheel, place |")
    print("|---|---:|---:|---:|---|---|")
    for name in arguments.sets:
        data, listing = load(name), LISTINGS[name]
        known = len([cell for cell in data.columns[data.target] if cell])
        categories = data.width - 1 - len(data.numbers) - len(data.dates) - len(data.texts)
        classes = len(data.classes)
        target = f"{classes} classes, rarest {data.rarest:.1%}" if classes else "number"
        print(
            f"| {name} | {known} | {data.width - 1} | {categories} | {data.target}: {target} | "
            f"{listing.wheel}, {listing.place} |"
        )
    return 0


def main() -> int:
    """Fit, or report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    methods = ", ".join(METHODS)
    sets = f"names, patterns or {', '.join(GROUPS)} (default: all)"
    parser.add_argument("--sets", nargs="+", default=["*"], metavar="PATTERN", help=sets)
    parser.add_argument("--methods", nargs="+", default=["*"], metavar="PATTERN", help=methods)
    parser.add_argument(
        "--splits",
        nargs="+",
        type=int,
        choices=range(MORE_SPLITS),
        default=[*range(SPLITS)],
        help=f"default: the first {SPLITS}; some pairs of methods are compared on all",
    )
    parser.add_argument("--results", type=Path, metavar="FILE.jsonl", help=f"default: {RESULTS}")
    parser.add_argument("--quick", action="store_true", help="few rows, to try a method")
    parser.add_argument("--list", action="store_true", help="print the sizes of the sets")
    parser.add_argument("--jobs", type=positive, default=1, help="fits in parallel (default 1)")
    parser.add_argument("--forget", action="store_true", help="remove results in place of fitting")
    parser.add_argument(
        "--timeout", type=float, default=3600.0, help="most seconds of a fit (default 3600)"
    )
    parser.add_argument("--report", action="store_true", help="compare the results")
    parser.add_argument(
        "--page", type=Path, metavar="FILE.md", help="a page with the report's lines"
    )
    parser.add_argument("--picture", type=Path, metavar="FILE.png", help="draw the report")
    arguments = parser.parse_args()
    arguments.results = arguments.results or (QUICK_RESULTS if arguments.quick else RESULTS)
    try:
        records = read_records(arguments.results)
        stored = arguments.report or arguments.forget
        known = dict.fromkeys(name for name, _, _ in records) if stored else names()
        arguments.sets = chosen_sets(arguments.sets, [*known])
        arguments.methods = chosen(arguments.methods, [*METHODS], "method")
        actions = {"report": write_report, "forget": forget, "list": list_sets}
        action = next((act for name, act in actions.items() if getattr(arguments, name)), run)
        return action(arguments, records)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
