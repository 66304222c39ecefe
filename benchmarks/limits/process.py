"""The process that measures a machine's rates: `python -m limits.process THREADS SECONDS`.

Reads works as JSON from the file given as third argument; prints the rates, and each work's counts.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from limits.counts import Counts, inference_counts, training_counts
from limits.rates import SQUARES, bandwidth, product_rates, product_seconds
from works.work import Work

MEMORY = 1 << 28  # bytes, more than any cache


def work_rates(counts: Counts, dtype: str, threads: int, seconds: float) -> dict[str, float]:
    """Return a work's counts, the memory rate for the bytes it keeps, and its products' time."""
    speed = bandwidth(counts.footprint, threads, seconds)
    products = sum(
        count * product_seconds(product, seconds, dtype)
        for product, count in Counter(counts.products).items()
    )
    return {
        "operations": counts.operations,
        "bytes": counts.traffic,
        "bytes_a_second": speed,
        "products_microseconds": 1e6 * products,
    }


def main(threads: int, seconds: float, works_file: str, what: str) -> None:
    """Measure the rates and print them."""
    sizes = SQUARES if seconds else (256,)
    count = inference_counts if what == "inference" else training_counts
    works = [Work.from_record(record) for record in json.loads(Path(works_file).read_text())]
    result: dict[str, Any] = {
        "threads": threads,
        "operations_a_second": {
            dtype: product_rates(seconds, sizes, dtype)
            for dtype in sorted({work.dtype for work in works})
        },
        "memory_bytes_a_second": bandwidth(MEMORY, threads, seconds),
        "works": {
            work.name: work_rates(count(work), work.dtype, threads, seconds) for work in works
        },
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4])
