"""Recorded programs as statements of NumPy, a line for each operation."""

from __future__ import annotations

from declnet import Shape
from declnet_plugins.exchange import TranslationSite, batched_equation, has_its_shape
from declnet_plugins.export.numpy_file.writer import REFUSED, NumpyWriter, Variable
from declnet_plugins.recording import Operand, Operation, SampleProgram


def write_program(
    writer: NumpyWriter, site: TranslationSite, program: SampleProgram
) -> tuple[Variable, ...]:
    """Write the operations of a program, and return the variables of its results."""
    writing = _Writing(writer, site, program)
    for operation in program.operations:
        writing.add(operation)
    for operand in program.refused:
        writer.lines.append(f"{REFUSED}.append({writing.read(operand)})")
    return tuple(map(writing.result, program.results))


class _Writing:
    """The lines of a program, and the variable of each value."""

    def __init__(self, writer: NumpyWriter, site: TranslationSite, program: SampleProgram) -> None:
        self._writer, self._name, self._program = writer, site.name, program
        self._variables = [
            writer.assign(f"{site.name}.x", f"np.asarray({variable}, float)")
            if site.is_double and dtype.kind == "f"
            else variable
            for variable, (_, dtype) in zip(site.inputs, program.inputs, strict=True)
        ]

    def add(self, operation: Operation) -> None:
        """Write an operation."""
        text = getattr(self, f"_{operation.kind}")(operation)
        number = len(self._variables) - len(self._program.inputs) + 1
        self._variables.append(self._writer.assign(f"{self._name}.{number}", text))

    def read(self, operand: Operand, *, typed: bool = False) -> str:
        """Return the expression of an operand.

        Args:
            operand: the operand.
            typed: whether a number needs its type, since no other operand has one.
        """
        if operand.constant is not None:
            number = operand.constant.ravel()[0] if operand.is_number else None
            if number is None:
                return self._writer.argument(self._name, operand.constant)
            text = self._writer.argument(self._name, number.item())
            return f"np.{number.dtype.name}({text})" if typed else text
        assert operand.value is not None  # noqa: S101  # not a constant
        variable, shape = self._variables[operand.value], self._program.shape_of(operand.value)
        if operand.places is None:
            return str(variable) if shape == operand.shape else _reshaped(variable, operand.shape)
        slices, order = operand.as_slices(shape), operand.as_permutation(shape)
        if slices is not None:
            return f"{variable}[:, {', '.join(map(_slice, slices, shape))}]"
        if order is not None:
            return f"{variable}.transpose(0, {', '.join(str(axis + 1) for axis in order)})"
        places = self._writer.argument(f"{self._name}.places", operand.places)
        return f"{variable}.reshape(len({variable}), -1)[:, {places}]"

    def result(self, operand: Operand) -> Variable:
        """Return the variable of a result, (n, *shape)."""
        text = self.read(operand)
        if operand.value is None:
            text = self.filled(text, operand.shape)
        elif text == str(self._variables[operand.value]):
            return self._variables[operand.value]
        return self._writer.assign(self._name, text)

    def filled(self, text: str, shape: Shape) -> str:
        """Return an expression of an array (n, *shape) that has this shape by broadcasting."""
        batch = self._variables[0]
        return f"np.broadcast_to({text}, ({', '.join([f'len({batch})', *map(str, shape)])}))"

    def _map(self, operation: Operation) -> str:
        operands, name = operation.operands, operation.name
        if name == "cast":
            return f'{self.read(operands[0])}.astype("{operation.dtype.name}")'
        typed = name == "where" or all(operand.is_number for operand in operands[-2:])
        texts = [self.read(operand, typed=typed) for operand in operands]
        text = f"np.{name}({', '.join(texts)})"
        return text if has_its_shape(operation) else self.filled(text, operation.shape)

    def _reduce(self, operation: Operation) -> str:
        (operand,), axes = operation.operands, [axis + 1 for axis in operation.axes]
        text = self.read(operand)
        if operation.name.startswith("arg"):
            if len(axes) > 1:
                return f"{text}.reshape({text}.shape[0], -1).{operation.name}(1)"
            return f"{text}.{operation.name}({axes[0]})"
        along = axes[0] if len(axes) == 1 else tuple(axes)
        known = {"add": "sum", "maximum": "max", "minimum": "min", "multiply": "prod"}
        if operation.name in known:
            return f"{text}.{known[operation.name]}({along})"
        return f"np.{operation.name}.reduce({text}, {along})"

    def _accumulate(self, operation: Operation) -> str:
        text = self.read(operation.operands[0])
        return f"np.{operation.name}.accumulate({text}, {operation.axes[0] + 1})"

    def _contract(self, operation: Operation) -> str:
        texts = [self.read(operand) for operand in operation.operands]
        equation = batched_equation(operation)
        if not equation:
            return f"{texts[0]} @ {texts[1]}"
        return f'np.einsum("{equation}", {", ".join(texts)}, optimize=True)'

    def _take(self, operation: Operation) -> str:
        table, places = map(self.read, operation.operands)
        return f"{table}[{places}]"

    def _search(self, operation: Operation) -> str:
        table, numbers = map(self.read, operation.operands)
        return f'np.searchsorted({table}, {numbers}, "{operation.name}")'

    def _join(self, operation: Operation) -> str:
        parts = []
        for operand in operation.operands:
            text = self.read(operand, typed=True)
            constant = operand.constant is not None
            parts.append(self.filled(text, operand.shape) if constant else text)
        return f"np.concatenate([{', '.join(parts)}], 1)"


def _reshaped(variable: Variable, shape: Shape) -> str:
    return f"{variable}.reshape({', '.join([f'len({variable})', *map(str, shape)])})"


def _slice(part: slice, size: int) -> str:
    start = part.start or ""
    stop = "" if part.stop == size else part.stop
    return f"{start}:{stop}" + (f":{part.step}" if part.step != 1 else "")
