"""Code shared by the commands: their options, the choice of peers, the heading of the results."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measuring import machine
from measuring.peer import Peer
from measuring.processes import keep_to
from measuring.turns import Settings

ROUNDS = 5


def positive(text: str) -> int:
    """Parse a whole number of at least 1, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def parser(
    description: str, peers: Sequence[Peer], works: Sequence[str]
) -> argparse.ArgumentParser:
    """Return a parser with the options that all commands have."""
    options = argparse.ArgumentParser(description=description)
    names = [peer.name for peer in peers]
    options.add_argument("--quick", action="store_true", help="few steps, 1 round: does it run?")
    options.add_argument("--rounds", type=positive, help=f"samples of each peer (default {ROUNDS})")
    options.add_argument("--threads", type=positive, help="default: all cores; 1 if --quick")
    options.add_argument(
        "--seconds", type=float, default=0.3, help="the least time of a sample's long run"
    )
    if works:
        options.add_argument(
            "--works", nargs="+", metavar="NAME", choices=works, help=", ".join(works)
        )
    options.add_argument("--peers", nargs="+", metavar="NAME", choices=names, help=", ".join(names))
    options.add_argument("--json", type=Path, metavar="FILE", help="write all samples here")
    return options


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the settings; limit this process and its children to the chosen threads."""
    threads = arguments.threads or (1 if arguments.quick else machine.cores())
    keep_to(threads)
    rounds = arguments.rounds or (1 if arguments.quick else ROUNDS)
    seconds = 0.0 if arguments.quick else arguments.seconds
    return Settings(rounds, threads, seconds, arguments.quick)


def report(line: str) -> None:
    """Print a line of progress."""
    print(line, file=sys.stderr, flush=True)


def chosen_peers(peers: Sequence[Peer], names: list[str] | None, quick: bool) -> list[Peer]:
    """Return the requested or else the standard peers; report those that are not installed."""
    chosen = []
    for peer in peers:
        if peer.name in names if names else peer.quick if quick else peer.standard:
            missing = peer.missing()
            if missing:
                report(f"{peer.name} skipped: {', '.join(missing)} is not installed")
            else:
                chosen.append(peer)
    return chosen


def heading(settings: Settings, what: str) -> dict[str, Any]:
    """Print the context of the results, and return it for the JSON."""
    described = machine.describe()
    print(f"{described['processor']}, {described['cores']} cores, {settings.threads} threads each")
    print(", ".join(f"{name} {text}" for name, text in machine.installed_versions().items()))
    print(f"{what}; median of {settings.rounds}; ratio to the best peer that computes the same")
    if machine.load() > machine.cores() / 2:
        report(f"the machine is busy (load {machine.load():.1f}): these times cannot be trusted")
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return {"started": started, "machine": described, "settings": asdict(settings)}


def write_json(path: Path | None, results: dict[str, Any]) -> None:
    """Write the results, if a file was requested."""
    if path:
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
