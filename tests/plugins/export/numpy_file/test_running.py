"""What a Python file does with CSV."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.export.numpy_file.running import column, read_csv

MISSING = ("", "NA")
COLUMNS = {
    "size": "number",
    "age": "number",
    "rooms": "integer",
    "floor": "integer",
    "garden": "boolean",
    "city": "text",
}


def test_cells_have_the_type_of_their_column(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("city,size,age,rooms,floor,garden\n Ulm ,0.5, NA,3,,True\n,1.5,2\t,4,1,0\n")
    columns = read_csv(str(path), COLUMNS, MISSING)
    nan = pytest.approx(float("nan"), nan_ok=True)
    assert columns == {
        "size": [0.5, 1.5],
        "age": [nan, 2.0],
        "rooms": [3, 4],
        "floor": [nan, 1.0],
        "garden": [True, False],
        "city": ["Ulm", None],
    }
    assert [type(cell) for cell in columns["rooms"]] == [int, int]
    for name, cell in (("size", "big"), ("rooms", "x"), ("garden", "perhaps")):
        path.write_text(
            f"{','.join(COLUMNS)}\n{','.join(cell if c == name else '1' for c in COLUMNS)}\n"
        )
        with pytest.raises(SystemExit, match=f"row 1, column '{name}' is '{cell}', not a "):
            read_csv(str(path), COLUMNS, MISSING)
    path.write_text("size,city\n1,Ulm\n")
    with pytest.raises(SystemExit, match="there is no column 'age'"):
        read_csv(str(path), COLUMNS, MISSING)


def test_values_mean_what_they_mean_in_a_file():
    rows = {"city": [" Ulm", "NA", " ", None, 1.0, True], "size": ["1.5 ", "NA", "", None, 2, True]}
    assert column(rows, "city", "text", (), MISSING).tolist() == [
        "Ulm", None, None, None, "1", "true",
    ]  # fmt: skip
    sizes = column(rows, "size", "number", (), MISSING)
    np.testing.assert_array_equal(sizes, [1.5, np.nan, np.nan, np.nan, 2, 1])
    with pytest.raises(ValueError, match="big"):
        column({"size": ["big"]}, "size", "number", (), MISSING)
