"""Measure what each extra adds to an installation: `python benchmarks/extra_sizes.py [--write]`.

It measures the environment that runs it, which has declnet installed, not editable, and the extras.
`--write` replaces the table of `docs/how_to/install.md`.
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from measuring.installed_size import megabytes, required

PAGE = Path(__file__).parent.parent / "docs" / "how_to" / "install.md"

PURPOSES = {
    "data": "CSV several times faster, and Parquet, with Polars",
    "excel": "Excel files",
    "images": "images in folders and lists, with Pillow",
    "jit": "the native engine, with Numba",
    "mlflow": "the callback `mlflow`",
    "onnx": "export to and import from ONNX",
    "postgresql": "tables in PostgreSQL",
    "ray": "runs on a Ray cluster",
    "report": "`declnet report` and `declnet plot`",
    "serve": "`declnet serve`",
    "sklearn": "scikit-learn's estimators and data sets",
    "sql": "tables in SQLite and other databases",
    "tensorboard": "the callback `tensorboard`",
    "tune": "`declnet tune`, with Optuna",
}
"""What each extra is for."""


def rows() -> Iterator[str]:
    """Yield a row of the table for the core, then one for each extra that is installed."""
    yield f"| none | what every installation has | {megabytes():.0f} MB | {len(required())} |"
    for extra in sorted(metadata("declnet").get_all("Provides-Extra") or ()):
        try:
            more, packages = megabytes(extra) - megabytes(), required(extra) - required()
        except PackageNotFoundError as error:
            raise SystemExit(f"the extra {extra} is not installed: {error}") from None
        size = f"{more:.0f}" if more >= 1 else f"{more:.1f}"
        yield f"| `{extra}` | {PURPOSES[extra]} | {size} MB | {len(packages)} |"


def main() -> None:
    """Print the table, or write it into the page."""
    table = "\n".join(("| extra | adds | size | packages |", "| --- | --- | --- | --- |", *rows()))
    if "--write" in sys.argv:
        begin, end = "<!-- sizes of extras -->\n\n", "\n\n<!-- end -->"
        text = PAGE.read_text("utf-8")
        between = re.compile(f"(?<={begin}).*?(?={end})", re.DOTALL)
        PAGE.write_text(between.sub(table.replace("\\", r"\\"), text), "utf-8")
    else:
        print(table)


if __name__ == "__main__":
    main()
