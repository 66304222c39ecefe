"""Weights files: safetensors, with keys `<layer name>.<parameter>`."""

from __future__ import annotations

from pathlib import Path

from declnet.components.arrays import Array, Shape
from declnet.errors import WeightsError


def read_weights(path: Path) -> dict[str, Array]:
    """Reads every array of a safetensors file; raises WeightsError if that cannot be done."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError, TypeError) as error:
        raise _unreadable(path, error) from None


def read_weight_shapes(path: Path) -> dict[str, Shape]:
    """Reads the keys and shapes alone; raises WeightsError if that cannot be done."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> WeightsError:
    if isinstance(error, FileNotFoundError):
        return WeightsError(f"{path}: there is no such file")
    if isinstance(error, OSError):
        return WeightsError(f"{path}: cannot be read: {error.strerror or error}")
    if isinstance(error, TypeError):
        return WeightsError(f"{path}: has a type that NumPy does not have: {error}")
    return WeightsError(f"{path}: not a safetensors file")
