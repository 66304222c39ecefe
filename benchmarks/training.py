"""The command: `python benchmarks/training.py` trains the works with every peer, side by side."""

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import machine
from measure import Row, Settings, measure_work, missing_modules
from peers import PEERS, Peer, peer_named
from table import agreed_loss, agrees, best_time, work_table
from works import WORKS, Work, work_named


def positive(text: str) -> int:
    """A whole number from 1, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the same works with declnet and its peers.")
    names = {"works": [w.name for w in WORKS], "peers": [p.name for p in PEERS]}
    parser.add_argument("--quick", action="store_true", help="few steps, 1 repeat: does it run?")
    parser.add_argument("--repeats", type=positive, help="samples of each peer (default 5)")
    parser.add_argument("--threads", type=positive, default=machine.cores(), help="default: all")
    parser.add_argument("--works", nargs="+", metavar="NAME", choices=names["works"])
    parser.add_argument("--peers", nargs="+", metavar="NAME", choices=names["peers"])
    parser.add_argument("--output", type=Path, metavar="FILE.json", help="write all samples here")
    arguments = parser.parse_args()
    if arguments.output and not arguments.output.resolve().parent.is_dir():
        parser.error(f"--output: {arguments.output.parent} is not a folder")
    return arguments


def report(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr, flush=True)


def chosen_peers(names: list[str] | None) -> list[Peer]:
    """The peers asked for that can run; the others are named."""
    peers = []
    for peer in [peer_named(name) for name in names] if names else PEERS:
        missing = missing_modules(peer)
        if missing:
            report(f"{peer.name} skipped: {', '.join(missing)} is not installed")
        else:
            peers.append(peer)
    return peers


def work_record(work: Work, rows: list[Row], settings: Settings) -> dict[str, Any]:
    """A work's results for the JSON; times in microseconds a step unless named otherwise."""
    short_steps, long_steps = settings.steps(work)
    best, loss = best_time(rows), agreed_loss(rows)
    records = []
    for row in rows:
        record: dict[str, Any] = {"peer": row.peer.name, "counted": row.peer.counted}
        if row.failure:
            record["failure"] = row.failure
        if row.samples:
            record["median"] = row.median
            record["minimum"], record["maximum"] = min(row.step_times), max(row.step_times)
            record["ratio"] = row.median / best if best else None
            record["loss"], record["agrees"] = row.loss, agrees(row, loss)
        records.append(record | {"samples": [asdict(sample) for sample in row.samples]})
    steps = {"short_steps": short_steps, "long_steps": long_steps}
    return {
        "work": asdict(work) | steps,
        "title": work.title,
        "best_microseconds": best,
        "rows": records,
    }


def main() -> int:
    """Measure, print, write; 1 if a peer failed or none is installed."""
    arguments = parse_arguments()
    repeats = arguments.repeats or (1 if arguments.quick else 5)
    settings = Settings(repeats, arguments.threads, arguments.quick)
    peers = chosen_peers(arguments.peers)
    if not peers:
        report("nothing to measure: no peer is installed")
        return 1
    works = [work_named(name) for name in arguments.works] if arguments.works else WORKS
    described = machine.describe()
    print(f"{described['processor']}, {described['cores']} cores, {settings.threads} threads each")
    print(", ".join(f"{name} {text}" for name, text in machine.installed_versions().items()))
    print(f"float32, Adam; median of {repeats}; ratio to the best peer that computes the same")
    if machine.load() > machine.cores() / 2:
        report(f"the machine is busy (load {machine.load():.1f}): these times cannot be trusted")
    started = datetime.now(UTC).isoformat(timespec="seconds")
    head = {"started": started, "machine": described, "settings": asdict(settings)}
    records, failed = [], False
    for work in works:
        rows = measure_work(work, peers, settings, report)
        print(f"\n{work_table(work, rows, settings.steps(work))}", flush=True)
        records.append(work_record(work, rows, settings))
        failed = failed or any(row.failure for row in rows)
        if arguments.output:  # after each work, so that an interruption loses no more than one
            results = head | {"works": records}
            arguments.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
