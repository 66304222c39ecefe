"""A checkpoint as bytes: a safetensors file of its arrays, with everything else as JSON beside."""

from __future__ import annotations

import json
from typing import Any

from declnet.components.arrays import Array
from declnet.components.plain import from_plain, to_plain

FORMAT = "declnet.checkpoint.1"


class CheckpointError(ValueError):
    """The bytes are no checkpoint; the message says why."""


def packed(content: dict[str, Any]) -> bytes:
    """The file of plain values (see `declnet.components.plain`).

    Raises:
        NotPlainError: they are not plain.
    """
    from safetensors.numpy import save

    arrays: dict[str, Array] = {}
    parts = {name: to_plain(value, arrays, name) for name, value in content.items()}
    return save(arrays, {FORMAT: json.dumps(parts, allow_nan=False)})


def unpacked(data: bytes) -> dict[str, Any]:
    """The values that `packed` was given.

    Raises:
        CheckpointError: the bytes are no checkpoint of this format.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(data)
        size = int.from_bytes(data[:8], "little")
        parts = json.loads(json.loads(data[8 : 8 + size])["__metadata__"][FORMAT])
        return {name: from_plain(plain, arrays) for name, plain in parts.items()}
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"no checkpoint of format {FORMAT}: {error}") from None
