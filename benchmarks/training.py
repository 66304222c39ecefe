"""Train the works with every peer: `python benchmarks/training.py`."""

import sys
import tempfile
from pathlib import Path

from limits.limits import measure_limits
from measuring.options import chosen_peers, heading, parser, report, settings_of, write_json
from measuring.peer import Peer
from measuring.rows import Comparison
from measuring.speed_page import with_rows
from measuring.table import work_table
from measuring.turns import measure_work
from peers import PEERS
from works import WORKS, work_named
from works.work import Work

HEADERS = ("peer", "µs a step", "min-max", "ratio", "×limit", "peak MB", "loss")
QUICK_WORKS = 1  # works that a quick run measures with all peers; the others with declnet only


def cannot(work: Work, peers: list[Peer]) -> dict[str, str]:
    """Return why peers cannot run the work, by name."""
    return {peer.name: peer.cannot(work) for peer in peers if peer.cannot(work)}


def main() -> int:
    """Measure, print and write the results; return 1 if a peer failed or none is installed."""
    options = parser(__doc__ or "", PEERS, [work.name for work in WORKS])
    options.add_argument("--page", type=Path, metavar="PAGE.md", help="a page with the table")
    arguments = options.parse_args()
    settings = settings_of(arguments)
    peers = chosen_peers(PEERS, arguments.peers, arguments.quick)
    if not peers:
        report("nothing to measure: no peer is installed")
        return 1
    works = [work_named(name) for name in arguments.works] if arguments.works else WORKS
    head = heading(settings, "a step of training, Adam, float32 unless a title says otherwise")
    limits = measure_limits(works, "training", settings.threads, min(0.3, settings.seconds))
    print("\n".join(limits.lines()))
    head |= {"kind": "training", "limits": limits.records}
    records, failed = [], False
    with tempfile.TemporaryDirectory() as caches:
        for number, work in enumerate(works):
            reasons = cannot(work, peers)
            able = [peer for peer in peers if peer.name not in reasons]
            if arguments.quick and not (arguments.peers or arguments.works):
                able = [p for p in able if number < QUICK_WORKS or p.name.startswith("declnet")]
            rows = measure_work("training", work, able, settings, Path(caches), report)
            comparison, limit = Comparison(rows), limits.of(work)
            notes = [f"{name} cannot: {reason}" for name, reason in reasons.items()]
            table = work_table(work, comparison, HEADERS, limit.least, [*notes, str(limit)])
            print(f"\n{table}", flush=True)
            record = {"work": work.to_record(), "title": work.title, "limits": limit.record()}
            records.append(record | {"cannot": reasons, **comparison.record()})
            failed = failed or any(row.failure for row in rows)
            # after each work, so that an interruption loses one at most
            write_json(arguments.json, head | {"works": records})
    if arguments.page:
        page = arguments.page.read_text(encoding="utf-8")
        arguments.page.write_text(with_rows(page, records), encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
