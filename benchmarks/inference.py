"""Time predictions of declnet and its peers: `python benchmarks/inference.py`.

A call takes samples as a NumPy array and returns probabilities as a NumPy array.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from limits.limits import measure_limits
from measuring.options import chosen_peers, heading, parser, report, settings_of, write_json
from measuring.rows import Comparison, Row
from measuring.table import work_table
from measuring.turns import measure_work
from predictors import PREDICTORS
from works import work_named

WORKS = (
    replace(work_named("small"), name="small_1", batch=1, samples=64),
    replace(work_named("wide"), name="wide_4096", batch=4096, samples=8192),
)
HEADERS = ("peer", "µs a call", "min-max", "ratio", "×limit", "peak MB", "error")
LARGEST_ERROR = 1e-3  # of a probability, in float32


def refuse_wrong(rows: list[Row]) -> None:
    """Discard a peer's samples if its predictions are wrong."""
    for row in rows:
        if row.samples and row.loss > LARGEST_ERROR:
            row.failure = f"failed: its probabilities are off by up to {row.loss:.2g}"
            row.samples.clear()


def main() -> int:
    """Measure, print and write the results; return 1 if a peer failed or is wrong."""
    arguments = parser(__doc__ or "", PREDICTORS, [work.name for work in WORKS]).parse_args()
    settings = settings_of(arguments)
    peers = chosen_peers(PREDICTORS, arguments.peers, arguments.quick)
    works = [work for work in WORKS if not arguments.works or work.name in arguments.works]
    head = heading(settings, "a prediction, float32")
    limits = measure_limits(works, "inference", settings.threads, min(0.3, settings.seconds))
    print("\n".join(limits.lines()))
    head |= {"limits": limits.records}
    head |= {"kind": "inference"}
    records, failed = [], False
    with tempfile.TemporaryDirectory() as caches:
        for work in works:
            rows = measure_work("inference", work, peers, settings, Path(caches), report)
            refuse_wrong(rows)
            comparison, limit = Comparison(rows, tolerance=float("inf")), limits.of(work)
            table = work_table(work, comparison, HEADERS, limit.least, [str(limit)])
            print(f"\n{table}", flush=True)
            record = {"work": work.to_record(), "title": work.title, "limits": limit.record()}
            records.append(record | comparison.record())
            failed = failed or any(row.failure for row in rows)
            write_json(arguments.json, head | {"works": records})
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
