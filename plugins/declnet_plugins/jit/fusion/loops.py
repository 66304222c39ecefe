"""The code of a pattern: loops over vectors of elements, as text for LLVM.

All vectors are explicit, so that each loop is vectorized whatever its arrays share, and the rest of
a row is a vector with a mask. An element is computed by the same instructions for any number of
threads, since these divide the work between vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from declnet import Dtype
from declnet_plugins.jit.fusion.functions import (
    FUNCTIONS,
    constant_power,
    maximum,
    minimum,
    start_of,
)
from declnet_plugins.jit.fusion.lanes import BOOLEAN, TYPES, Code, Lanes
from declnet_plugins.jit.fusion.patterns import Pass, Pattern
from declnet_plugins.jit.routines.object_code import ENTRY

BY_NAME = {function.__name__: compute for function, compute in FUNCTIONS.items()}
BY_FUNCTION = {function.__name__: function for function in FUNCTIONS}

INDEX = np.dtype(np.int64)


def code_of(pattern: Pattern, width: int) -> str:
    """Return LLVM's text of a pattern's function, void `ENTRY`(const int64_t *block).

    Args:
        width: bytes of the processor's vectors.
    """
    return _Loops(pattern, width).text()


def lanes_of(pattern: Pattern, width: int) -> int:
    """Return the lanes of two vectors of the largest elements along the last axis."""
    last = pattern.axes - 1
    sizes = [np.dtype(slot.dtype).itemsize for slot in pattern.slots if last >= 0]
    wide = [
        size
        for size, slot in zip(sizes, pattern.slots, strict=False)
        if slot.spans(last) and not slot.selects
    ]
    return 2 * width // max(wide, default=8)


class _Loops:
    """The code of a pattern while it is written.

    `scopes` hold the values of slots that are known where instructions are added, outer blocks
    first.
    """

    def __init__(self, pattern: Pattern, width: int) -> None:
        self.pattern = pattern
        self.code = code = Code(lanes_of(pattern, width))
        self.scopes: list[dict[int, Lanes]] = [{}]
        self.index: dict[int, Lanes] = {}
        self.mask: Lanes | None = None
        """Of the lanes that there are, in the last vector of a row."""
        self._word = 0
        self.part, self.parts = self._next(), self._next()
        self.lengths = [self._next() for _ in range(pattern.axes)]
        self.addresses: list[Lanes] = []
        self.strides: list[list[Lanes | None]] = []
        self.chosen: dict[int, tuple[Lanes, Lanes]] = {}
        for number, slot in enumerate(pattern.slots):
            self.addresses.append(self._next())
            if slot.selects:
                self.chosen[number] = self._next(), self._next()
            size = code.constant(np.dtype(slot.dtype).itemsize, INDEX)
            self.strides.append(
                [
                    None if kind == "0" else size if kind == "1" else self._next()
                    for kind in slot.strides
                ]
            )
        self.numbers: dict[int, Lanes] = {}
        self._first_number = self._word
        self.written = {step.target for pass_ in pattern.passes for step in pass_.steps}

    def text(self) -> str:
        """Return the text of the module."""
        self._load_ahead(0)
        self._depth(0)
        code = self.code
        code.do("ret void")
        lines = [
            *code.declared.values(),
            f"define void @{ENTRY}(ptr %block) {{",
            "entry:",
            *code.first,
            *code.rest,
            "}",
        ]
        return "\n".join(lines)

    def _next(self, place: int | None = None) -> Lanes:
        """Return the next word of the block."""
        if place is None:
            place, self._word = self._word, self._word + 1
        pointer = self.code.line(f"getelementptr i64, ptr %block, i64 {place}", self.code.first)
        word = self.code.line(f"load i64, ptr {pointer}", self.code.first)
        return Lanes(self.code, word, INDEX, False)

    def _number(self, place: int, dtype: Any) -> Lanes:
        """Return a number of the block."""
        if place not in self.numbers:
            first, word = self.code.first, self._next(self._first_number + place)
            if dtype.kind == "f":
                text = self.code.line(f"bitcast {word} to double", first)
                if dtype == np.float32:
                    text = self.code.line(f"fptrunc double {text} to float", first)
            else:
                is_word = dtype == INDEX
                kind = TYPES[dtype]
                text = word.text if is_word else self.code.line(f"trunc {word} to {kind}", first)
            self.numbers[place] = Lanes(self.code, text, dtype, False)
            self.numbers[place].is_number = True
        return self.numbers[place]

    # -- loops

    def _depth(self, depth: int) -> None:
        """Write what runs once for each step along the parallel axes before a depth."""
        for pass_ in self.pattern.passes:
            if pass_.depth == depth:
                self._pass(pass_)
        if depth < len(self.pattern.parallel):
            axis = self.pattern.parallel[depth]
            start, stop = self.code.constant(0, INDEX), self.lengths[axis]
            if axis == self.pattern.divided:
                start, stop = self._share(axis)

            def body(_: Sequence[Lanes]) -> Sequence[Lanes]:
                self._load_ahead(depth + 1)
                self._depth(depth + 1)
                return ()

            self._along(axis, start, stop, (), body)

    def _share(self, axis: int) -> tuple[Lanes, Lanes]:
        """Return the part of an axis that is divided among threads."""
        unit = self.code.lanes if axis == self.pattern.axes - 1 else 1
        length = self.lengths[axis]
        units = (length + (unit - 1)).binary("udiv", unit)
        start = (units * self.part).binary("udiv", self.parts) * unit
        stop = (units * (self.part + 1)).binary("udiv", self.parts) * unit
        return start, minimum(stop, length)

    def _along(
        self,
        axis: int,
        start: Lanes,
        stop: Lanes,
        carried: Sequence[Lanes],
        body: Callable[[Sequence[Lanes]], Sequence[Lanes]],
    ) -> Sequence[Lanes]:
        """Write a loop along an axis, by vectors along the last one."""
        if axis < self.pattern.axes - 1:
            return self._loop(axis, start, stop, 1, carried, body)
        lanes = self.code.lanes
        whole = (
            start
            + (maximum(stop - start, self.code.constant(0, INDEX)).binary("udiv", lanes)) * lanes
        )
        carried = self._loop(axis, start, whole, lanes, carried, body)

        def rest(values: Sequence[Lanes]) -> Sequence[Lanes]:
            kind = f"<{lanes} x i32>"
            left = Lanes(
                self.code, self.code.line(f"trunc {stop - whole} to i32"), np.dtype("i4"), False
            )
            numbers = f"<{', '.join(f'i32 {lane}' for lane in range(lanes))}>"
            text = self.code.line(f"icmp slt {kind} {numbers}, {self.code.repeated(left).text}")
            self.mask = Lanes(self.code, text, BOOLEAN, True)
            results = body(values)
            self.mask = None
            return results

        return self._loop(axis, whole, stop, lanes, carried, rest)

    def _loop(
        self,
        axis: int,
        start: Lanes,
        stop: Lanes,
        step: int,
        carried: Sequence[Lanes],
        body: Callable[[Sequence[Lanes]], Sequence[Lanes]],
    ) -> Sequence[Lanes]:
        """Write a loop; return the carried values after it."""
        code = self.code
        before, inside, after = code.block, code.label(), code.label()
        code.do(f"br {start < stop}, label %{inside}, label %{after}")
        code.begin(inside)
        first = len(code.rest)
        phis = [value.like(code.line("")) for value in (start, *carried)]
        self.index[axis] = phis[0]
        self.scopes.append({})
        results = body(phis[1:])
        self.scopes.pop()
        del self.index[axis]
        following = phis[0] + step
        code.do(f"br {following < stop}, label %{inside}, label %{after}")
        last = code.block
        turns = zip(phis, (start, *carried), (following, *results), strict=True)
        for number, (phi, initial, later) in enumerate(turns):
            sources = f"[ {initial.text}, %{before} ], [ {later.text}, %{last} ]"
            code.rest[first + number] = f"  {phi.text} = phi {phi.type} {sources}"
        code.begin(after)
        ends = []
        for initial, later in zip(carried, results, strict=True):
            sources = f"[ {initial.text}, %{before} ], [ {later.text}, %{last} ]"
            ends.append(initial.like(code.line(f"phi {initial.type} {sources}")))
        return ends

    # -- passes

    def _pass(self, pass_: Pass) -> None:
        """Write a pass, with what it reads along other axes only before its loops."""
        last = self.pattern.axes - 1
        reductions = [step for step in pass_.steps if step.reduction]
        by_vectors = last in pass_.axes or last in self.index
        sums = []
        for step in reductions:
            dtype = np.dtype(self.pattern.slots[step.target].dtype)
            start = start_of(BY_FUNCTION[step.reduction], dtype)
            sums.append(self.code.constant(start, dtype, by_vectors))

        def inside(axes: Sequence[int], values: Sequence[Lanes]) -> Sequence[Lanes]:
            self._load(pass_, axes)
            if not axes:
                return self._element(pass_, values)
            return self._along(
                axes[0],
                self.code.constant(0, INDEX),
                self.lengths[axes[0]],
                values,
                lambda carried: inside(axes[1:], carried),
            )

        results = inside(pass_.axes, sums)
        for step, result in zip(reductions, results, strict=True):
            compute = BY_NAME[step.reduction]
            total = self._total(result, compute) if last in pass_.axes else result
            self.scopes[-1][step.target] = total
            if step.stored:
                self._memory(step.target, total)
        for step in pass_.steps:
            self._forget_overlaps(step.target)

    def _element(self, pass_: Pass, sums: Sequence[Lanes]) -> Sequence[Lanes]:
        """Write the steps of a pass for an element; return the new sums."""
        results = []
        left = iter(sums)
        stored: dict[int, Lanes] = {}
        for step in pass_.steps:
            value = self._value(step.value)
            if step.reduction:
                total, last = next(left), self.pattern.axes - 1
                combined = BY_NAME[step.reduction](total, value)
                if self.mask is not None and last in pass_.axes:
                    combined = _chosen(self.mask, combined, total)
                results.append(combined)
                continue
            slot = self.pattern.slots[step.target]
            if self.pattern.axes and slot.spans(self.pattern.axes - 1):
                value = self.code.repeated(value)
            self.scopes[-1][step.target] = value
            if step.stored:
                stored[step.target] = value
        for target, value in stored.items():
            self._memory(target, value)
        return results

    def _total(self, value: Lanes, compute: Callable[..., Lanes]) -> Lanes:
        """Return the lanes of a vector combined: its halves, then their halves, and so on."""
        lanes = half = self.code.lanes
        while half > 1:
            half //= 2
            order = ", ".join(f"i32 {(lane + half) % lanes}" for lane in range(lanes))
            text = f"shufflevector {value}, {value.type} poison, <{lanes} x i32> <{order}>"
            value = compute(value, value.like(self.code.line(text)))
        text = self.code.line(f"extractelement {value}, i32 0")
        return Lanes(self.code, text, value.dtype, False)

    def _forget_overlaps(self, target: int) -> None:
        for one, other in self.pattern.overlaps:
            if one == target:
                for scope in self.scopes:
                    scope.pop(other, None)

    def _load_ahead(self, depth: int) -> None:
        """Load what differs only along the parallel axes before a depth, and is not written."""
        axes = set(self.pattern.parallel[depth:])
        axes |= set(range(self.pattern.axes)) - set(self.pattern.parallel)
        for pass_ in self.pattern.passes:
            for slot in pass_.reads():
                if slot not in self.written:
                    self._load_slot(slot, axes)

    def _load(self, pass_: Pass, axes: Sequence[int]) -> None:
        """Load what a pass reads and what does not differ along some axes."""
        for slot in pass_.reads():
            if axes:
                self._load_slot(slot, set(axes))

    def _load_slot(self, number: int, axes: set[int]) -> None:
        slot = self.pattern.slots[number]
        if not slot.selects and not any(slot.spans(axis) for axis in axes):
            self._read(number)

    # -- elements

    def _value(self, value: tuple[Any, ...]) -> Lanes:
        kind = value[0]
        if kind in ("slot", "element"):
            if kind == "element":
                return self._selected(value[1], self._value(value[2]))
            return self._read(value[1])
        dtype = np.dtype(value[2])
        if kind in ("literal", "number"):
            constant = self.code.constant if kind == "literal" else self._number
            return constant(value[1], dtype)
        if kind in ("power", "float_power") and value[1][1][0] == "literal":
            return constant_power(self._value(value[1][0]), value[1][1][1])
        arguments = [self._value(argument) for argument in value[1]]
        if kind == "astype":
            return arguments[0].converted(dtype)
        return BY_NAME[kind](*arguments)

    def _read(self, number: int) -> Lanes:
        """Return the element of a slot, from an enclosing scope or else from memory."""
        for scope in reversed(self.scopes):
            if number in scope:
                return scope[number]
        self.scopes[-1][number] = value = self._memory(number)
        return value

    def _address(self, number: int) -> Lanes:
        """Return the address of a slot's element; for a vector, of its first lane."""
        address: Lanes = self.addresses[number]
        for axis, stride in enumerate(self.strides[number]):
            if stride is not None:
                address = address + self.index[axis] * stride
        return address

    def _is_wide(self, number: int) -> bool:
        last = self.pattern.axes - 1
        return last >= 0 and self.pattern.slots[number].spans(last)

    def _pointers(self, number: int, address: Lanes, offsets: Lanes | None = None) -> str:
        """Return the pointers to a slot's elements, one for each lane."""
        lanes, stride = self.code.lanes, self.strides[number][-1]
        numbers = f"<{', '.join(f'i64 {lane}' for lane in range(lanes))}>"
        every = Lanes(self.code, numbers, INDEX, True)
        if stride is not None:
            every = every * stride
            offsets = every if offsets is None else offsets + every
        base = self.code.line(f"inttoptr {address} to ptr")
        return self.code.line(f"getelementptr i8, ptr {base}, {offsets}")

    def _memory(
        self, number: int, value: Lanes | None = None, offset: Lanes | None = None
    ) -> Lanes:
        """Load an element of a slot from memory, at an offset if there is one; or store it."""
        code, slot, address = self.code, self.pattern.slots[number], self._address(number)
        dtype = np.dtype(slot.dtype)
        held = np.dtype("u1") if dtype == BOOLEAN else dtype
        wide = self._is_wide(number) or (offset is not None and offset.wide)
        contiguous = slot.strides[-1:] == "1" and offset is None
        kind, size = code.type(held, wide), held.itemsize
        stored = None if value is None else value.converted(held)
        stored = code.repeated(stored) if stored is not None and wide else stored
        if not wide or (contiguous and self.mask is None):
            place = address if offset is None else address + offset
            pointer = code.line(f"inttoptr {place} to ptr")
            if stored is not None:
                code.do(f"store {stored}, ptr {pointer}, align {size}")
                return stored
            text = code.line(f"load {kind}, ptr {pointer}, align {size}")
        else:
            text = self._masked(number, held, stored, address, offset, contiguous)
            if stored is not None:
                return stored
        loaded = Lanes(code, text, held, wide)
        return loaded != 0 if dtype == BOOLEAN else loaded

    def _masked(
        self,
        number: int,
        held: Dtype,
        stored: Lanes | None,
        address: Lanes,
        offset: Lanes | None,
        contiguous: bool,
    ) -> str:
        """Load or store the lanes that there are, next to each other or not."""
        code, lanes = self.code, self.code.lanes
        if contiguous:
            name = "load" if stored is None else "store"
            pointer, suffix = ("ptr", code.line(f"inttoptr {address} to ptr")), "p0"
        else:
            name = "gather" if stored is None else "scatter"
            wide_offset = None if offset is None else code.repeated(offset)
            pointers = self._pointers(number, address, wide_offset)
            pointer, suffix = (f"<{lanes} x ptr>", pointers), f"v{lanes}p0"
        every = f"<{', '.join(['i1 1'] * lanes)}>"
        mask = f"<{lanes} x i1>", every if self.mask is None else self.mask.text
        size, kind = ("i32", str(held.itemsize)), code.type(held, True)
        element = f"{'f' if held.kind == 'f' else 'i'}{8 * held.itemsize}"
        function = f"llvm.masked.{name}.v{lanes}{element}.{suffix}"
        if stored is None:
            return code.call(function, kind, [pointer, size, mask, (kind, "zeroinitializer")])
        return code.call(function, "void", [(kind, stored.text), pointer, size, mask])

    def _selected(self, number: int, index: Lanes) -> Lanes:
        """Return the element that an index selects, clipped to the axis."""
        length, stride = self.chosen[number]
        first = maximum(index, self.code.constant(0, INDEX))
        return self._memory(number, offset=minimum(first, length - 1) * stride)


def _chosen(mask: Lanes, value: Lanes, other: Lanes) -> Lanes:
    value, other = value.code.repeated(value), value.code.repeated(other)
    return value.like(value.code.line(f"select {mask}, {value}, {other}"))
