"""The writer of a program in C99: values, constants, steps of the computation, and its memory.

A translation gets the writer as `site.writer` and calls `compute`, with the body of a function
that fills an array. The writer names the function, makes its arrays constants, gives its output
memory that other arrays use at other times, and calls it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from string import Template
from textwrap import dedent, indent
from typing import Any, Literal

import numpy as np

from declnet import Array, Shape
from declnet_plugins.exchange import unique_name
from declnet_plugins.export.c99.memory import Block, place
from declnet_plugins.export.c99.text import (
    braced,
    float_literal,
    identifier,
    initializer,
    string,
)

Number = Literal["double", "float"]
"""The C type of raw numbers, and of their preparation."""

BYTES = {"const char *": 8, "double": 8, "float": 4, "int32_t": 4}
"""The size of an item of each type that the workspace holds; of pointers, the largest usual one."""

ARENAS = {"const char *": "texts", "double": "doubles", "float": "floats", "int32_t": "integers"}
"""The arrays of the workspace by the type of their items, those with the largest ones first."""

TEXT = "const char *"
"""The C type of a text; NULL is a missing one."""


REFUSAL = """
for (int i = 0; i < $size; i++) {
    if ($wrong) {
        out->column = $column;
        return $error;
    }
}
"""
"""Statements that may end a prediction with an error."""


@dataclass(frozen=True, eq=False)
class Value:
    """An array of one sample in the program, the last axis fastest.

    Attributes:
        shape: its shape; () for a single number.
        ctype: the C type of its items: `float` between layers, the writer's `number` or TEXT in
            the preparation, `int32_t` for integers that a layer reads.
        source: an expression of a pointer to its first item; None for memory of the workspace,
            which the writer places.
        column: the raw column it was made of, counted from 0, for errors; -1 if there is none.
    """

    shape: Shape
    ctype: str = "float"
    source: str | None = None
    column: int = -1

    @property
    def size(self) -> int:
        """How many items it has."""
        return prod(self.shape)


@dataclass(eq=False)
class Step:
    """A part of the computation: the body of a function, and the arrays it is called with."""

    name: str
    body: str
    inputs: dict[str, Value]
    output: Value | None
    offset: int
    scratch: dict[str, Value]
    in_place: str | None
    inline: bool


@dataclass(frozen=True)
class Program:
    """The program compiled from the steps.

    Attributes:
        declarations: constants and functions, in order.
        calls: the body of the function that computes a prediction.
        sizes: the arrays of the workspace: the type and number of items by name.
        workspace_bytes: its size in bytes.
        constant_bytes: the size of the constants in bytes.
    """

    declarations: str
    calls: str
    sizes: Mapping[str, tuple[str, int]]
    workspace_bytes: int
    constant_bytes: int

    @property
    def uses_workspace(self) -> bool:
        """Whether the computation needs any memory."""
        return bool(self.sizes)


@dataclass(eq=False)
class CWriter:
    """A collector of the parts of a program.

    Attributes:
        prefix: what all names of the program begin with.
        number: the C type of raw numbers, and of their preparation.
    """

    prefix: str
    number: Number = "double"
    _names: set[str] = field(default_factory=set)
    _constants: dict[tuple[str, Shape, bytes], str] = field(default_factory=dict)
    _declared: list[str] = field(default_factory=list)
    _helpers: dict[str, str] = field(default_factory=dict)
    _steps: list[Step] = field(default_factory=list)
    _filled_by: dict[tuple[Any, ...], Value] = field(default_factory=dict)
    _constant_bytes: int = 0

    def constant(self, name: str, array: Array, ctype: str = "float") -> str:
        """Return the name of a constant array; equal arrays are one constant."""
        numbers = np.ascontiguousarray(array, np.float32 if ctype == "float" else None)
        key = (ctype, numbers.shape, numbers.tobytes())
        if key not in self._constants:
            self._constant_bytes += numbers.size * BYTES.get(ctype, 8)
            items = initializer(numbers, ctype)
            self._constants[key] = self._declare(name, ctype, max(numbers.size, 1), items)
        return self._constants[key]

    def strings(self, name: str, texts: tuple[str, ...]) -> str:
        """Return the name of a constant array of strings; equal arrays are one constant."""
        items = braced(map(string, texts))
        key = (TEXT, (len(texts),), items.encode())
        if key not in self._constants:
            self._constant_bytes += sum(len(text.encode()) + 1 for text in texts)
            self._constants[key] = self._declare(name, "char *const", len(texts), items)
        return self._constants[key]

    def _declare(self, name: str, ctype: str, size: int, items: str) -> str:
        """Declare a constant array, and return its name."""
        unique = self._named(f"{self.prefix}_{name}")
        self._declared.append(f"static const {ctype} {unique}[{size}] = {items};")
        return unique

    def helper(self, name: str, text: str, **terms: str) -> str:
        """Define a function that several steps use, once, and return its name.

        Args:
            name: its name without the prefix.
            text: its definition, with `$name` for its name, and `$number`, `$f`, `$p` and
                `$PREFIX`.
            terms: further terms, such as the names of other helpers.
        """
        if name not in self._helpers:
            function = self._named(f"{self.prefix}_{name}")
            self._helpers[name] = function
            self._declared.append(self._filled(text, {"name": function, **terms}))
        return self._helpers[name]

    def compute(
        self,
        name: str,
        body: str,
        inputs: Mapping[str, Value],
        shape: Shape,
        *,
        ctype: str = "float",
        into: Value | None = None,
        offset: int = 0,
        scratch: Mapping[str, Value] | None = None,
        in_place: str | None = None,
        inline: bool = False,
        **terms: Any,
    ) -> Value:
        """Add a step, which fills the array `y`, and return it; of equal steps, only the first.

        Args:
            name: what its function is called after the prefix, as an `identifier`; the statements
                of an inline step have it as a comment.
            body: statements, with `$term` for the terms; `$number` is the type of raw numbers, `$f`
                the ending of math.h's functions and `$p` and `$PREFIX` the prefix. The arrays are
                pointers named as in `inputs`, `y` and as in `scratch`.
            inputs: the arrays it reads, by the names that it uses.
            shape: the shape of the output.
            ctype: the type of its items.
            into: an array of which it fills a part, from `offset` on, in place of one of its own.
            offset: where that part begins.
            scratch: arrays that it overwrites and that are not read.
            in_place: an input whose memory the output may have, since item i of the output is
                written after the items up to i of the input were read.
            inline: whether the body is a part of the function that computes the prediction, where
                `out` is the output, so that it may return an error.
            terms: numbers, which become literals (integers as they are, floats of type float);
                arrays of numbers, which become constants of type float; or text.
        """
        column = next(iter(inputs.values())).column if inputs else -1
        filled = into or Value(shape, ctype, column=column)
        terms = {"column": column, **terms}
        literals = {key: self._term(f"{name}_{key}", term) for key, term in terms.items()}
        text = self._filled(body, literals)
        if into is None:
            key = (text, *inputs.items(), shape, ctype)
            if key in self._filled_by:
                return self._filled_by[key]
            self._filled_by[key] = filled
        source = inputs.get(in_place or "")
        is_alone = sum(value is source for value in inputs.values()) == 1  # is it read once?
        if source is None or not is_alone or (source.ctype, source.size) != (ctype, filled.size):
            in_place = None
        function, more = self._named(f"{self.prefix}_{name}"), dict(scratch or {})
        step = Step(function, text, dict(inputs), filled, offset, more, in_place, inline)
        self._steps.append(step)
        return filled

    def refuse(self, x: Value, wrong: str, *, missing: str = "") -> None:
        """End the prediction with an error about the column of an array.

        Args:
            x: the array.
            wrong: whether `x[i]` is refused, an expression in C.
            missing: whether it is a missing value, likewise; default: it never is.
        """
        error = f"{missing} ? ${{PREFIX}}_MISSING : " if missing else ""
        text = REFUSAL.replace("$error", f"{error}${{PREFIX}}_OUT_OF_RANGE")
        body = self._filled(text, {"size": str(x.size), "wrong": wrong, "column": str(x.column)})
        self._steps.append(Step("", body, {"x": x}, None, 0, {}, None, True))

    def scratch(self, size: int, ctype: str = "float") -> Value:
        """Return an array for the `scratch` of a step."""
        return Value((size,), ctype)

    def raw_constant(self, name: str, array: Array) -> str:
        """Return the name of a constant array of the type of raw numbers."""
        return self.constant(name, np.asarray(array, float), self.number)

    def _named(self, name: str) -> str:
        """Return an identifier that nothing else in the program has, and reserve it."""
        return unique_name(identifier(name), self._names)

    def _term(self, name: str, term: Any) -> str:
        if isinstance(term, np.ndarray):
            return self.constant(name, term)
        if isinstance(term, float | np.floating):
            return float_literal(term)
        return str(term)

    def _filled(self, text: str, terms: Mapping[str, str]) -> str:
        known = {
            "p": self.prefix,
            "PREFIX": self.prefix.upper(),
            "number": self.number,
            "f": "f" if self.number == "float" else "",
            **terms,
        }
        try:
            return Template(dedent(text).strip("\n")).substitute(known)
        except KeyError as error:
            raise ValueError(
                f"the C text has ${error.args[0]}, but no term of that name (terms: "
                f"{', '.join(sorted(known))}); arguments of compute, such as offset, are not terms"
            ) from None

    def finish(self) -> Program:
        """Place the arrays, and write the functions."""
        blocks = self._blocks()
        sizes = {}
        for ctype in ARENAS:
            of_type = (block for value, block in blocks.items() if value.ctype == ctype)
            sizes[ctype] = place([*dict.fromkeys(of_type)])
        functions, calls = [], []
        for step in self._steps:
            source = blocks.get(step.inputs[step.in_place]) if step.in_place else None
            same = source is not None and source is blocks.get(step.output)  # type: ignore[arg-type]
            if step.inline:
                calls.append(self._inlined(step, blocks, same))
            else:
                functions.append(self._function(step, same))
                calls.append(self._call(step, blocks, same))
        return Program(
            "\n\n".join([*self._declared, *functions]),
            "\n".join(calls),
            {ARENAS[ctype]: (ctype, size) for ctype, size in sizes.items() if size},
            sum(BYTES[ctype] * size for ctype, size in sizes.items()),
            self._constant_bytes,
        )

    def _blocks(self) -> dict[Value, Block]:
        """Return the memory of each array of the workspace."""
        last: dict[Value | None, int] = {}
        for number, step in enumerate(self._steps):
            last |= dict.fromkeys((*step.inputs.values(), step.output), number)
        blocks: dict[Value, Block] = {}
        for number, step in enumerate(self._steps):
            filled = step.output
            if filled is not None and filled.source is None and filled not in blocks:
                block = blocks.get(step.inputs[step.in_place]) if step.in_place else None
                if block is None or block.last > number or block.size != max(filled.size, 1):
                    block = Block(max(filled.size, 1), number, number)
                block.last = last[filled]
                blocks[filled] = block
            for value in step.scratch.values():
                blocks[value] = Block(value.size, number, number)
        return blocks

    def _parameters(self, step: Step, same: bool) -> dict[str, tuple[str, Value, int]]:
        """Return the type, array and first item of each pointer of a step."""
        pointers = {
            name: (_constant(value.ctype), value, 0)
            for name, value in step.inputs.items()
            if not (same and name == step.in_place)
        }
        if step.output is not None:
            pointers["y"] = (step.output.ctype, step.output, step.offset)
        return pointers | {name: (value.ctype, value, 0) for name, value in step.scratch.items()}

    def _function(self, step: Step, same: bool) -> str:
        parameters = ", ".join(
            f"{ctype} *restrict {name}"
            for name, (ctype, _, _) in self._parameters(step, same).items()
        )
        body = ""
        if same and step.output is not None:
            body = f"    {_constant(step.output.ctype)} *{step.in_place} = y;\n"
        body += indent(step.body, "    ")
        return f"static void {step.name}({parameters})\n{{\n{body}\n}}"

    def _call(self, step: Step, blocks: Mapping[Value, Block], same: bool) -> str:
        arguments = ", ".join(
            _pointer(value, blocks, offset)
            for _, value, offset in self._parameters(step, same).values()
        )
        return f"    {step.name}({arguments});"

    def _inlined(self, step: Step, blocks: Mapping[Value, Block], same: bool) -> str:
        lines = [f"/* {step.name} */"] if step.name else []
        for name, (ctype, value, offset) in self._parameters(step, same).items():
            lines.append(f"{ctype} *const {name} = {_pointer(value, blocks, offset)};")
        if same and step.output is not None:
            lines.append(f"{_constant(step.output.ctype)} *const {step.in_place} = y;")
        inside = "\n".join(lines) + "\n" + step.body
        return "    {\n" + indent(inside, "        ") + "\n    }"


def _constant(ctype: str) -> str:
    """Return the type of items that are only read."""
    return "const char *const" if ctype == TEXT else f"const {ctype}"


def _pointer(value: Value, blocks: Mapping[Value, Block], offset: int) -> str:
    if value.source is not None:
        return value.source if not offset else f"{value.source} + {offset}"
    at = blocks[value].offset + offset
    return f"workspace->{ARENAS[value.ctype]}" + (f" + {at}" if at else "")
