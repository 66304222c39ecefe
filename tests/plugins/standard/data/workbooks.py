"""Small workbooks of the formats that no library at hand writes: .ods, .xls and .xlsb.

A cell is text, a float, a bool or a date; each file has one sheet, "houses".
"""

from __future__ import annotations

import datetime as dt
import struct
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Rows = Sequence[Sequence[Any]]

DATE_FORMAT = 14
"""The number format of dates that every workbook has."""


def serial(day: dt.date) -> float:
    """Return the number of a day in a workbook."""
    return float((day - dt.date(1899, 12, 30)).days)


def write_ods(path: Path, rows: Rows) -> None:
    """Write OpenDocument: XML in an archive."""
    name = "urn:oasis:names:tc:opendocument:xmlns:{}:1.0"
    spaces = " ".join(f'xmlns:{e}="{name.format(e)}"' for e in ("office", "table", "text"))

    def cell(value: Any) -> str:
        if isinstance(value, str):
            return f'office:value-type="string"><text:p>{value}</text:p>'
        if isinstance(value, bool):
            return f'office:value-type="boolean" office:boolean-value="{str(value).lower()}">'
        if isinstance(value, dt.date):
            return f'office:value-type="date" office:date-value="{value}">'
        if isinstance(value, dt.timedelta):
            hours, rest = divmod(int(value.total_seconds()), 3600)
            time = f"PT{hours:02}H{rest // 60:02}M{rest % 60:02}S"
            return f'office:value-type="time" office:time-value="{time}">'
        return f'office:value-type="float" office:value="{value}">'

    lines = (
        "".join(f"<table:table-cell {cell(each)}</table:table-cell>" for each in row)
        for row in rows
    )
    body = "".join(f"<table:table-row>{each}</table:table-row>" for each in lines)
    sheet = f'<table:table table:name="houses">{body}</table:table>'
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("META-INF/manifest.xml", f'<m:m xmlns:m="{name.format("manifest")}"/>')
        file.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet>{sheet}"
            "</office:spreadsheet></office:body></office:document-content>",
        )


def write_xls(path: Path, rows: Rows) -> None:
    """Write BIFF8, the records of Excel 97, in a compound file ([MS-XLS], [MS-CFB])."""

    def record(number: int, data: bytes) -> bytes:
        return struct.pack("<HH", number, len(data)) + data

    def cells() -> Iterator[bytes]:
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                place = struct.pack("<HHH", at, column, isinstance(value, dt.date))
                if isinstance(value, str):
                    text = value.encode("utf-16-le")
                    yield record(0x204, place + struct.pack("<HB", len(text) // 2, 1) + text)
                elif isinstance(value, bool):
                    yield record(0x205, place + bytes([value, 0]))
                else:
                    number = serial(value) if isinstance(value, dt.date) else value
                    yield record(0x203, place + struct.pack("<d", number))

    formats = [struct.pack("<HH16x", 0, each) for each in (0, DATE_FORMAT)]
    head = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    head += record(0x42, struct.pack("<H", 1200)) + b"".join(record(0xE0, e) for e in formats)
    name = b"\x06\x00houses"
    start = len(head) + 4 + 6 + len(name) + 4
    head += record(0x85, struct.pack("<IH", start, 0) + name) + record(0x0A, b"")
    sheet = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    sheet += record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, len(rows[0]), 0))
    stream = head + sheet + b"".join(cells()) + record(0x0A, b"")
    stream = stream.ljust(4096, b"\0")  # a smaller one would be in another stream
    stream += b"\0" * (-len(stream) % 512)
    sectors = len(stream) // 512
    free, end, table = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    chain = [table, end, *range(3, sectors + 2), end]
    fat = struct.pack("<128I", *chain, *[free] * (128 - len(chain)))

    def entry(name: str, kind: int, child: int, first: int, size: int) -> bytes:
        text = name.encode("utf-16-le") + b"\0\0"
        links = struct.pack("<HBBIII", len(text), kind, 1, free, free, child)
        return text.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", first, size)

    folder = entry("Root Entry", 5, 1, end, 0) + entry("Workbook", 2, free, 2, len(stream))
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", 0, *[free] * 108)
    path.write_bytes(header + fat + folder.ljust(512, b"\0") + stream)


def write_xlsb(path: Path, rows: Rows) -> None:
    """Write BIFF12, the records of binary workbooks, in an archive ([MS-XLSB])."""

    def record(number: int, data: bytes = b"") -> bytes:
        code = bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])
        assert len(data) < 0x80
        return code + bytes([len(data)]) + data

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode("utf-16-le")

    def cell(column: int, value: Any) -> bytes:
        place = struct.pack("<II", column, isinstance(value, dt.date))
        if isinstance(value, str):
            return record(6, place + text(value))
        if isinstance(value, bool):
            return record(4, place + bytes([value]))
        number = serial(value) if isinstance(value, dt.date) else value
        return record(5, place + struct.pack("<d", number))

    book = (
        record(131)
        + record(143)
        + record(156, struct.pack("<II", 0, 1) + text("rId1") + text("houses"))
    )
    book += record(144) + record(132)
    formats = b"".join(record(47, struct.pack("<HH12x", 0, e)) for e in (0, DATE_FORMAT))
    styles = record(278) + record(617, struct.pack("<I", 2)) + formats + record(618) + record(279)
    size = struct.pack("<IIII", 0, len(rows) - 1, 0, len(rows[0]) - 1)
    sheet = record(129) + record(148, size) + record(145)
    for at, row in enumerate(rows):
        sheet += record(0, struct.pack("<I21x", at))
        sheet += b"".join(cell(column, each) for column, each in enumerate(row))
    sheet += record(146) + record(130)
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    link = '<Relationship Id="rId1" Type="worksheet" Target="worksheets/sheet1.bin"/>'
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(
            "xl/_rels/workbook.bin.rels",
            f'<Relationships xmlns="{relations}">{link}</Relationships>',
        )
        file.writestr("xl/workbook.bin", book)
        file.writestr("xl/styles.bin", styles)
        file.writestr("xl/worksheets/sheet1.bin", sheet)
