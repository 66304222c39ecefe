"""Weights files: safetensors, read whole or only their keys and shapes."""

from __future__ import annotations

from pathlib import Path

from declnet.contracts.arrays import Array, Shape
from declnet.errors import WeightsError


def read_weights(path: Path) -> dict[str, Array]:
    """Read every array of a safetensors file; raise WeightsError if that fails."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return _known(load_file(path))
    except (OSError, SafetensorError, TypeError) as error:
        raise _unreadable(path, error) from None


def parse_weights(content: bytes, path: Path) -> dict[str, Array]:
    """Return every array in the content of a safetensors file; raise WeightsError if that fails."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return _known(load(content))
    except (SafetensorError, TypeError) as error:
        raise _unreadable(path, error) from None


def _known(arrays: dict[str, Array]) -> dict[str, Array]:
    """Return arrays of NumPy's own types; raise TypeError if another package adds the type."""
    for array in arrays.values():
        if array.dtype.kind == "V":
            raise TypeError(array.dtype)
    return arrays


def read_weight_shapes(path: Path) -> dict[str, Shape]:
    """Read only the keys and shapes; raise WeightsError if that fails."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> WeightsError:
    if isinstance(error, OSError):  # safetensors does not always give the cause
        try:
            path.open("rb").close()
        except FileNotFoundError:
            return WeightsError(f"{path}: there is no such file")
        except IsADirectoryError:
            return WeightsError(f"{path}: is a folder; name the weights file in it")
        except OSError as actual:
            error = actual
    if isinstance(error, OSError):
        return WeightsError(f"{path}: cannot be read: {error.strerror or error}")
    if isinstance(error, TypeError):
        return WeightsError(f"{path}: has a type that NumPy does not have: {error}")
    return WeightsError(f"{path}: not a safetensors file")
