"""The table of a work: plain text, a line a peer."""

from statistics import median

from measure import Row
from works import Work

LOSS_TOLERANCE = 0.01  # relative to the agreed loss
STEADY = 1.5  # the slowest sample may take so many times the fastest
HEADERS = ("peer", "µs a step", "min-max", "ratio", "loss")


def agreed_loss(rows: list[Row]) -> float | None:
    """The loss that all should end with: the counted peers' median, so declnet has no vote."""
    losses = [row.loss for row in rows if row.samples and row.peer.counted]
    return median(losses) if losses else None


def agrees(row: Row, loss: float | None) -> bool:
    """Whether the peer ended with the agreed loss, where it should."""
    if loss is None or not row.peer.same_batches:
        return True
    return abs(row.loss - loss) <= LOSS_TOLERANCE * abs(loss)


def best_time(rows: list[Row]) -> float | None:
    """The fastest median, in microseconds, among counted peers that compute the same."""
    loss = agreed_loss(rows)
    times = [row.median for row in rows if row.samples and row.peer.counted and agrees(row, loss)]
    return min(times, default=None)


def cells(row: Row, best: float | None, loss: float | None) -> tuple[str, ...]:
    """A row's texts, in the order of the headers."""
    return (
        row.peer.name,
        f"{row.median:.1f}",
        f"{min(row.step_times):.1f}-{max(row.step_times):.1f}",
        f"{row.median / best:.2f}" if best else "-",
        f"{row.loss:.6f}" + ("" if agrees(row, loss) else " differs"),
    )


def notes(work: Work, rows: list[Row]) -> list[str]:
    """What the reader must know about single rows, failures included."""
    lines = []
    for row in rows:
        if row.failure:
            lines.append(f"{row.peer.name} {row.failure}")
        texts = [row.peer.notes[key] for key in ("*", work.name) if key in row.peer.notes]
        if row.samples and texts:
            lines.append(f"{row.peer.name}: {'; '.join(texts)}")
        if row.samples and not 0 < max(row.step_times) <= STEADY * min(row.step_times):
            lines.append(f"{row.peer.name}: unsteady; measure again on a quiet machine")
    return lines


def work_table(work: Work, rows: list[Row], steps: tuple[int, int]) -> str:
    """The whole table, fastest first."""
    best, loss = best_time(rows), agreed_loss(rows)
    ordered = sorted((row for row in rows if row.samples), key=lambda row: row.median)
    lines = [HEADERS, *(cells(row, best, loss) for row in ordered)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADERS))]
    text = [f"{work.title} (loss after {steps[0]} steps; time from {steps[0]} to {steps[1]})"]
    for line in lines:
        name, *numbers = (
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        text.append("  ".join(["", name, *numbers]).rstrip())
    return "\n".join([*text, *(f"  note: {note}" for note in notes(work, rows))])
