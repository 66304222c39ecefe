"""Time whole processes, from start to trained network: `python benchmarks/cold_start.py`.

First times the import of each peer, then the training of a spiral, 10001 epochs of 3000 samples: a
process starts, imports, reads samples and weights from files, compiles, trains, and writes weights.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

from measuring.options import chosen_peers, heading, parser, report, settings_of, write_json
from measuring.processes import Processes
from measuring.rows import Comparison
from measuring.table import aligned, notes
from measuring.task import Task
from measuring.turns import SEED
from peers import PEERS
from whole.imports import import_table, measure_imports
from whole.training import WholeRow, measure_whole, shipped_spec
from works import work_named
from works.data import write_files

SPIRAL = replace(work_named("spiral_3000"), name="cold_spiral", learning_rate=0.02)
EPOCHS, QUICK_EPOCHS = 10001, 50
TOLERANCE = 0.25  # of the loss: ten thousand steps amplify rounding
HEADERS = ("peer", "ms in all", "min-max", "ratio", "first ms", "accuracy", "loss")


def spiral_cells(row: WholeRow, comparison: Comparison) -> tuple[str, ...]:
    """Return the table cells of a peer's trainings."""
    best = comparison.best
    return (
        row.peer.name,
        f"{row.median / 1000:.0f}",
        f"{min(row.times) / 1000:.0f}-{max(row.times) / 1000:.0f}",
        f"{row.median / best:.2f}" if best else "-",
        f"{row.first:.0f}",
        f"{row.accuracy:.3f}",
        f"{row.loss:.4f}" + ("" if comparison.agrees(row) else " differs"),
    )


def spiral_table(rows: list[WholeRow], comparison: Comparison) -> str:
    """Return the table of trainings, fastest first."""
    measured = sorted((row for row in rows if row.samples), key=lambda row: row.median)
    lines = [HEADERS, *(spiral_cells(row, comparison) for row in measured)]
    return "\n".join(f"  {line}" for line in aligned(lines))


def main() -> int:
    """Measure, print and write the results; return 1 if a peer failed."""
    arguments = parser(__doc__ or "", PEERS, []).parse_args()
    settings = settings_of(arguments)
    peers = chosen_peers(PEERS, arguments.peers, arguments.quick)
    head = heading(settings, "whole processes")
    epochs = QUICK_EPOCHS if settings.quick else EPOCHS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        processes = Processes(settings.threads, folder)
        imports = measure_imports(processes, settings.rounds, report)
        print(f"\n{import_table(imports)}\n", flush=True)
        write_files(SPIRAL, SEED, folder)
        rows = [WholeRow(peer) for peer in peers]
        task = Task(SPIRAL, name, epochs, settings.seconds, settings.threads)
        measure_whole(task, rows, processes, settings.rounds, report)
        shipped = [shipped_spec(processes) for _ in range(0 if settings.quick else settings.rounds)]
    comparison = Comparison([*rows], TOLERANCE)
    print(f"{SPIRAL.title}, {epochs} epochs\n{spiral_table(rows, comparison)}")
    print("\n".join(f"  note: {line}" for line in notes(SPIRAL, [*rows])))
    if shipped:
        milliseconds, loss, accuracy = (median(values) for values in zip(*shipped, strict=True))
        print(
            "  note: declnet run specs/spiral_adam.toml (its own data, 102 epochs logged, tested): "
            f"{milliseconds:.0f} ms, accuracy {accuracy:.3f}, loss {loss:.4f}"
        )
    spiral = {"work": SPIRAL.to_record(), "title": SPIRAL.title, "epochs": epochs}
    first = {row.peer.name: row.first for row in rows}
    results = {
        "kind": "cold_start",
        **head,
        "imports": {imported.module: imported.times for imported in imports},
        "works": [spiral | {"first_milliseconds": first, **comparison.record()}],
        "shipped_spec_milliseconds": [sample[0] for sample in shipped],
    }
    write_json(arguments.json, results)
    return 1 if any(row.failure for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
