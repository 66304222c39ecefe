"""The command: `python benchmarks/training.py` trains the works with every peer, side by side."""

import sys

from limits.limits import measure_limits
from measuring.options import chosen_peers, heading, parser, report, settings_of, write_json
from measuring.peer import Peer
from measuring.rows import Comparison
from measuring.table import work_table
from measuring.turns import measure_work
from peers import PEERS
from works import WORKS, work_named
from works.work import Work

HEADERS = ("peer", "µs a step", "min-max", "ratio", "×limit", "peak MB", "loss")
QUICK_WORKS = 2  # so many works are tried by all peers in a quick run, the others by declnet alone


def able(work: Work, peers: list[Peer]) -> tuple[list[Peer], list[str]]:
    """The peers that can do the work, and why the others cannot."""
    reasons = [f"{peer.name} cannot: {peer.cannot(work)}" for peer in peers if peer.cannot(work)]
    return [peer for peer in peers if not peer.cannot(work)], reasons


def main() -> int:
    """Measure, print, write; 1 if a peer failed or none is installed."""
    arguments = parser(__doc__ or "", PEERS, [work.name for work in WORKS]).parse_args()
    settings = settings_of(arguments)
    peers = chosen_peers(PEERS, arguments.peers, arguments.quick)
    if not peers:
        report("nothing to measure: no peer is installed")
        return 1
    works = [work_named(name) for name in arguments.works] if arguments.works else WORKS
    head = heading(settings, "a step of training, float32, Adam")
    limits = measure_limits(works, "training", settings.threads, min(0.3, settings.seconds))
    print("\n".join(limits.lines()))
    head |= {"limits": limits.records}
    records, failed = [], False
    for number, work in enumerate(works):
        mine, reasons = able(work, peers)
        if arguments.quick and not (arguments.peers or arguments.works) and number >= QUICK_WORKS:
            mine = [peer for peer in mine if peer.name.startswith("declnet")]
        comparison = Comparison(measure_work("training", work, mine, settings, report))
        limit = limits.of(work)
        notes = [*reasons, str(limit)]
        print(f"\n{work_table(work, comparison, HEADERS, limit.least, notes)}", flush=True)
        record = {"work": work.to_record(), "title": work.title, "limits": limit.record()}
        cannot = {peer.name: peer.cannot(work) for peer in peers if peer.cannot(work)}
        records.append(record | {"cannot": cannot, **comparison.record()})
        failed = failed or any(row.failure for row in comparison.rows)
        # after each work, so that an interruption loses no more than one
        write_json(arguments.json, {"kind": "training", **head, "works": records})
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
