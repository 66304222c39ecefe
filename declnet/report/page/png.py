"""Writes a picture of a few thousand pixels into an address that needs no file."""

from __future__ import annotations

import base64
import struct
import zlib

from declnet.components.arrays import Array


def png_address(pixels: Array) -> str:
    """The picture as `data:image/png;base64,…`.

    Args:
        pixels: (height, width, 4), red, green, blue and opacity from 0 to 255, the top row first.

    Source: Portable Network Graphics (PNG) Specification, Third Edition, W3C, 2025.
    """
    height, width = pixels.shape[:2]
    rows = pixels.astype("u1").reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)  # each row with no filter
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)  # 8 bits, with opacity
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    file = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)
    return "data:image/png;base64," + base64.b64encode(file).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
