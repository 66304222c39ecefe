"""How an exported Python file reads CSV."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.export.numpy_file.running import column, read_csv


def test_cells_of_a_file(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("city,size,more\n Ulm ,0.5,1\n,$1,2\n")
    columns = {"size": "number", "city": "text"}
    assert read_csv(str(path), columns) == {"size": ["0.5", "$1"], "city": [" Ulm ", ""]}
    with pytest.raises(SystemExit, match="there is no column 'age'"):
        read_csv(str(path), {"age": "number"})


CELLS = {
    "number": (
        ["1.5 ", "NA", "", None, 2, True, "$1,250.50", "-inf", "1_0", "big", "yes", "TRUE"],
        [1.5, None, None, None, 2, 1, 1250.5, -np.inf, "refused", "refused", "refused", 1],
    ),
    "boolean": (
        ["true", " False", 1, "0.0", None, 2, "1.5"],
        [1, 0, 1, 0, None, "refused", "refused"],
    ),
    "text": (
        [" Ulm", "NA", " ", None, 1.0, True, 1.5],
        ["Ulm", None, None, None, "1", "true", "1.5"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CELLS)
def test_values_are_read_as_in_a_file(kind):
    cells, expected = CELLS[kind]
    refused = []
    converted = column({"x": cells}, "x", kind, (), ("", "NA"), ".", refused)
    wrong = np.any([np.zeros(len(cells), bool), *refused], axis=0)
    values = [
        "refused" if w else None if v is None or v != v else v
        for v, w in zip(converted, wrong, strict=True)
    ]
    assert values == expected


def test_a_decimal_comma():
    refused = []
    converted = column({"x": ["1,5", "1.250,5", 1.5]}, "x", "number", (), (), ",", refused)
    assert converted.tolist() == [1.5, 1250.5, 1.5]
    assert not np.any(refused)
