"""What a Python file does with CSV."""

from __future__ import annotations

import pytest

from declnet_plugins.export.numpy_file.running import read_csv

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
    path.write_text("city,size,age,rooms,floor,garden\nUlm,0.5,,3,,Yes\n,1.5,2,4,1,0\n")
    columns = read_csv(str(path), COLUMNS)
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
    for column, cell in (("size", "big"), ("rooms", "x"), ("garden", "perhaps")):
        path.write_text(
            f"{','.join(COLUMNS)}\n{','.join(cell if c == column else '1' for c in COLUMNS)}\n"
        )
        with pytest.raises(SystemExit, match=f"row 1, column '{column}' is '{cell}', not a "):
            read_csv(str(path), COLUMNS)
    path.write_text("size,city\n1,Ulm\n")
    with pytest.raises(SystemExit, match="there is no column 'age'"):
        read_csv(str(path), COLUMNS)
