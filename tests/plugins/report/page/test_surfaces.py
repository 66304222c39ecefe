from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

from declnet_plugins.report.page.surfaces import png_address


def test_pixels_come_back():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4))
    kind, _, text = png_address(pixels).partition(",")
    assert kind == "data:image/png;base64"
    file = base64.b64decode(text)
    assert file[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(file):
        (size,) = struct.unpack_from(">I", file, at)
        name, content = file[at + 4 : at + 8], file[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", file, at + 8 + size) == (zlib.crc32(name + content),)
        chunks[name] = content
        at += 12 + size
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (7, 5, 8, 6, 0, 0, 0)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), "u1").reshape(5, 1 + 4 * 7)
    assert not rows[:, 0].any()
    np.testing.assert_array_equal(rows[:, 1:].reshape(5, 7, 4), pixels)
