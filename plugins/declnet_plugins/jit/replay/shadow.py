"""Copies of the memory that a call reaches, to run it on without touching the originals."""

from __future__ import annotations

import copy
import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from declnet import Array, Dtype, LayerState, OptimizerState
from declnet_plugins.recording.program import address_of
from declnet_plugins.recording.symbols import NotRecordedError

ALIGNMENT = 64
"""Alignment in bytes that copies share with the originals, since some loops depend on it."""


@dataclass(frozen=True, eq=False)
class _Block:
    """A range of bytes and its copy.

    Attributes:
        start: the first address of the original.
        shadow: the copy, bytes.
        arrays: the copies of the arrays in it.
    """

    start: int
    original: Array
    shadow: Array
    arrays: list[Array]

    @cached_property
    def shadow_start(self) -> int:
        return address_of(self.shadow)


class Shadow:
    """Copies of all arrays and random streams in a call's arguments, which overlap as they do.

    Args:
        arguments: arrays, random streams, the states of layers and optimizers, tuples and lists of
            them; anything else is passed on unchanged.

    Raises:
        NotRecordedError: an array holds Python objects.
    """

    def __init__(self, arguments: Sequence[Any]) -> None:
        self._originals: dict[int, Array] = {}
        self.generators: list[np.random.Generator] = []
        self._shadow_generators: list[np.random.Generator] = []
        for argument in arguments:
            mapped(argument, self._find_array, self._find_generator)
        self._blocks = [_block_of(bounds) for bounds in _joined(list(self._originals.values()))]
        self._shadows = {key: self._copy_of(original) for key, original in self._originals.items()}
        self.keeps = tuple(self._originals.values())

    def _find_array(self, array: Array) -> Array:
        if array.dtype.hasobject or not array.dtype.isnative:
            raise NotRecordedError(f"has an array of {array.dtype}")
        self._originals[id(array)] = array
        return array

    def _find_generator(self, generator: np.random.Generator) -> Any:
        if generator not in self.generators:
            self.generators.append(generator)
            self._shadow_generators.append(copy.deepcopy(generator))
        return generator

    def _copy_of(self, array: Array) -> Array:
        block = self._block(address_of(array)) if array.size else None
        if block is None:
            return np.empty_like(array)
        offset = address_of(array) - block.start
        shadow = np.ndarray(array.shape, array.dtype, block.shadow, offset, array.strides)
        block.arrays.append(shadow)
        shadow = shadow.view()
        shadow.flags.writeable = array.flags.writeable
        return shadow

    def _block(self, address: int) -> _Block | None:
        for block in self._blocks:
            if block.start <= address < block.start + block.original.size:
                return block
        return None

    def layout(self) -> tuple[object, ...]:
        """Return the shapes and types of the arrays, and how they overlap."""
        blocks: dict[int, int] = {}
        layout: list[object] = []
        for array in self._originals.values():
            block = self._block(address_of(array)) if array.size else None
            start = 0 if block is None else block.start
            place = blocks.setdefault(start, len(blocks)), address_of(array) - start
            layout.append((array.shape, array.strides, array.dtype.str, start and place))
        return tuple(layout)

    def arguments(
        self,
        originals: Sequence[Any],
        array: Callable[[Array], Any],
        stream: Callable[[Any, int], Any],
    ) -> tuple[Any, ...]:
        """Return the arguments with a function of each copy instead of the arrays and streams."""
        results = {key: array(shadow) for key, shadow in self._shadows.items()}

        def streamed(generator: Any) -> Any:
            number = self.generators.index(generator)
            return stream(self._shadow_generators[number], number)

        return tuple(
            mapped(argument, lambda original: results[id(original)], streamed)
            for argument in originals
        )

    def original_address(self, address: int) -> int:
        """Return where the original of a copied byte is; other addresses are unchanged."""
        for block in self._blocks:
            if block.shadow_start <= address < block.shadow_start + block.shadow.size:
                return address - block.shadow_start + block.start
        return address

    def original(self, value: Any) -> Any:
        """Return arguments with views of the originals instead of views of the copies."""
        if isinstance(value, tuple | list):
            return type(value)(map(self.original, value))
        if not isinstance(value, np.ndarray) or not value.size:
            return value
        address = address_of(value)
        for block in self._blocks:
            if block.shadow_start <= address < block.shadow_start + block.shadow.size:
                offset = address - block.shadow_start
                return np.ndarray(value.shape, value.dtype, block.original, offset, value.strides)
        return value

    def stream(self, number: int, original: bool) -> np.random.Generator:
        """Return a random stream, or its copy."""
        return (self.generators if original else self._shadow_generators)[number]

    def fill(self, number: int) -> None:
        """Fill the copies with other numbers, the first time of `FILLINGS`, and so on.

        Integers are indices of most arrays, then what the originals hold, if anything yet.
        """
        for block in self._blocks:
            kinds = {array.dtype for array in block.arrays}
            targets = block.arrays
            if len(kinds) == 1 and block.shadow.size % (kind := kinds.pop()).itemsize == 0:
                targets = [block.shadow.view(kind)]
            for target in targets:
                values = _filling(number, target.dtype)
                repeated = None if values is None else np.resize(values, target.shape)
                target[...] = self.original(target) if repeated is None else repeated

    def state(self) -> tuple[list[Array], list[Any]]:
        """Return what the copies hold."""
        streams = [generator.bit_generator.state for generator in self._shadow_generators]
        return [block.shadow.copy() for block in self._blocks], streams

    def restore(self, state: tuple[list[Array], list[Any]]) -> None:
        """Let the copies hold what they held before."""
        for block, held in zip(self._blocks, state[0], strict=True):
            np.copyto(block.shadow, held)
        for generator, held in zip(self._shadow_generators, state[1], strict=True):
            generator.bit_generator.state = held

    def original_state(self) -> tuple[list[Array], list[Any]]:
        """Return what the originals hold."""
        streams = [generator.bit_generator.state for generator in self.generators]
        return [block.original for block in self._blocks], streams

    def restore_originals(self, state: tuple[list[Array], list[Any]]) -> None:
        """Let the originals hold this; those that hold it may be read-only."""
        for block, held in zip(self._blocks, state[0], strict=True):
            if not np.array_equal(block.original, held):
                np.copyto(block.original, held)
        for generator, held in zip(self.generators, state[1], strict=True):
            generator.bit_generator.state = held

    def holds(self, state: tuple[list[Array], list[Any]]) -> bool:
        """Return whether the copies hold the same bits, treating all NaNs as equal."""
        if str([generator.bit_generator.state for generator in self._shadow_generators]) != str(
            state[1]
        ):
            return False
        return all(
            _same_bits(block, held) for block, held in zip(self._blocks, state[0], strict=True)
        )


def _same_bits(block: _Block, held: Array) -> bool:
    if np.array_equal(block.shadow, held):
        return True
    kinds = {array.dtype for array in block.arrays}
    for kind in kinds:
        if kind.kind != "f" or held.size % kind.itemsize:
            return False
        mine, other = block.shadow.view(kind), held.view(kind)
        words = f"u{kind.itemsize}"
        differ = mine.view(words) != other.view(words)
        if not np.isnan(mine[differ]).all() or not np.isnan(other[differ]).all():
            return False
    return True


def mapped(value: Any, array: Callable[[Array], Any], stream: Callable[[Any], Any]) -> Any:
    """Return an argument with functions applied to the arrays and random streams in it."""
    if isinstance(value, np.ndarray):
        return array(value)
    if isinstance(value, np.random.Generator):
        return stream(value)
    if isinstance(value, tuple | list):
        return type(value)(mapped(item, array, stream) for item in value)
    if isinstance(value, LayerState | OptimizerState):
        state = object.__new__(type(value))
        vars(state).update({k: mapped(field, array, stream) for k, field in vars(value).items()})
        if isinstance(value, LayerState):
            grad = object.__new__(type(value.grad))
            held = vars(value.grad).items()
            vars(grad).update({k: mapped(field, array, stream) for k, field in held})
            vars(state)["grad"] = grad
        return state
    return value


def _joined(arrays: list[Array]) -> list[tuple[int, int]]:
    """Return the ranges of addresses that the arrays take, those that overlap as one."""
    ranges: list[tuple[int, int]] = []
    for start, stop in sorted(byte_bounds(array) for array in arrays if array.size):
        if ranges and start < ranges[-1][1]:
            ranges[-1] = ranges[-1][0], max(stop, ranges[-1][1])
        else:
            ranges.append((start, stop))
    return ranges


def _block_of(bounds: tuple[int, int]) -> _Block:
    start, stop = bounds
    size = stop - start
    memory_of: Any = (ctypes.c_uint8 * size).from_address(start)
    original = np.frombuffer(memory_of, np.uint8)
    memory = np.empty(size + 2 * ALIGNMENT, np.uint8)
    skip = (start - address_of(memory)) % ALIGNMENT
    shadow = memory[skip : skip + size]
    np.copyto(shadow, original)
    return _Block(start, original, shadow, [])


def _numbers() -> tuple[Array, ...]:
    """Return numbers to fill arrays with, in float64.

    Ordinary ones; with zeros and repeated numbers; positive ones, as for logarithms; of very
    different sizes; and with NaN and infinities.
    """
    random, size = np.random.default_rng(20), 4099
    ordinary = random.normal(size=size)
    tied = np.round(ordinary * 2) / 2 * random.choice([-1.0, 1.0], size)
    scaled = ordinary * 10 ** random.uniform(-20, 20, size)
    strange = ordinary.copy()
    strange[random.permutation(size)[:60]] = np.repeat([np.nan, np.inf, -np.inf], 20)
    return ordinary, tied, random.uniform(0.001, 1, size), scaled, strange


_NUMBERS = _numbers()
_BOOLEANS = _NUMBERS[0] > 0


@cache
def _filling(number: int, dtype: Dtype) -> Array | None:
    """Return the numbers of a filling as a type; None for what the originals hold."""
    integers = (np.zeros(1), _BOOLEANS, None, None, None)[number]
    values = {"f": _NUMBERS[number], "b": _BOOLEANS, "i": integers, "u": integers}.get(dtype.kind)
    with np.errstate(all="ignore"):
        return None if values is None else values.astype(dtype)


FILLINGS = len(_NUMBERS)
"""How many ways there are to fill the copies."""
