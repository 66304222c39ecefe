"""Tables in files of JSON lines."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import Field

from declnet import DataError, TableSource
from declnet_plugins.standard.data.text_file import EXAMPLE, encoding_of, opened

ROWS = 1 << 16
"""Rows that are Python objects at a time."""


class JSONLines(TableSource):
    """A table in a text file with one JSON object a line, a key for each column; .gz files too.

    A key that is null or absent is a missing value. Text remains text, even if it looks like a
    number. Columns of lists or objects, or of numbers and text, are refused as features.
    """

    type = "jsonl"
    suffixes = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
    examples = ({"path": "houses.jsonl", "target": "price"},)

    path: Path = Field(description="the file")
    maximum_bytes: int = Field(
        default=2**32, ge=1, description="size limit of the file in bytes, after decompression"
    )

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Write a table."""
        path, rows = folder / "flowers.jsonl", zip(*EXAMPLE.values(), strict=True)
        lines = (json.dumps(dict(zip(EXAMPLE, row, strict=True))) for row in rows)
        path.write_text("\n".join(lines), "utf-8")
        return {"path": path, "target": "kind"}

    def column_names(self) -> list[str]:
        """Return the columns of the first lines, among them all required ones."""
        seen: dict[str, None] = {}
        for row in self._rows():
            seen |= dict.fromkeys(row)
            if seen and self.required_columns <= seen.keys():
                return list(seen)
        if not seen:
            raise DataError(f"{self.path}: has no rows")
        return list(seen)

    def read(self) -> Iterator[dict[str, list[Any]]]:
        """Yield the rows; a part has the columns of those before it, too."""
        names, remaining = dict.fromkeys(self.column_names()), self._rows()
        while part := list(islice(remaining, ROWS)):
            names |= dict.fromkeys(name for row in part for name in row)
            yield {name: [row.get(name) for row in part] for name in names}

    def _rows(self) -> Iterator[dict[str, Any]]:
        with opened(self.path, self.maximum_bytes) as file:
            try:
                encoding_of(file, "utf-8", self.path)
            except DataError as error:
                raise DataError(error.message, hint="convert it to UTF-8") from None
            for number, line in enumerate(file, start=1):
                if not line.isspace():
                    yield self._row(line, number)

    def _row(self, line: bytes, number: int) -> dict[str, Any]:
        where = f"{self.path}: line {number}"
        try:
            row = json.loads(line.decode("utf-8").rstrip(), object_pairs_hook=_distinct)
        except json.JSONDecodeError as error:
            hint = "each line holds one object" if number == 1 else None
            raise DataError(
                f"{where}, column {error.colno} is not valid JSON: {error.msg}", hint=hint
            ) from None
        except UnicodeDecodeError:
            raise DataError(f"{where} is not valid UTF-8") from None
        except RecursionError:
            raise DataError(f"{where} is nested too deeply") from None
        except ValueError as error:  # a duplicate key, or a number of thousands of digits
            raise DataError(f"{where}: {error}") from None
        if not isinstance(row, dict):
            kind = "list" if isinstance(row, list) else "single value"
            raise DataError(f"{where} is a {kind}, not an object", hint="one object on each line")
        return row


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'duplicate key "{twice}"')
    return row
