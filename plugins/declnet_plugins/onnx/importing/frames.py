"""Messages between two processes: JSON and arrays, in a format that holds no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from safetensors import SafetensorError
from safetensors.numpy import load, save

from declnet import Array

HEADER = 8
"""Bytes before a message that say its length."""


def send(file: IO[bytes], message: Any, arrays: Mapping[str, Array]) -> None:
    """Write a message and its arrays; raise OSError if the other process has ended."""
    content = json.dumps(message).encode()
    packed = save(dict(arrays)) if arrays else b""
    for part in (content, packed):
        file.write(len(part).to_bytes(HEADER, "little"))
        file.write(part)
    file.flush()


def receive(file: IO[bytes]) -> tuple[Any, dict[str, Array]]:
    """Read a message and its arrays.

    Raises:
        EOFError: the other process has ended.
        ValueError: the message is not one that `send` writes.
    """
    content, packed = _part(file), _part(file)
    try:
        return json.loads(content), load(packed) if packed else {}
    except SafetensorError as error:
        raise ValueError(str(error)) from None


def _part(file: IO[bytes]) -> bytes:
    head = file.read(HEADER)
    size = int.from_bytes(head, "little")
    content = file.read(size) if len(head) == HEADER else b""
    if len(head) < HEADER or len(content) < size:
        raise EOFError
    return content
