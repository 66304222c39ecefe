"""Mutants: small changes of expressions and statements, with names that survive refactoring.

A mutant is named by its file, the qualified name of its function, its operator, the hash of its
statement's text, and its number among mutants of the same name. Code that does not run as Python
(C source, and functions that Numba compiles) is not mutated.
"""

from __future__ import annotations

import ast
import copy
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

SIZE = 1000
"""Number of mutants in the sample."""

FEWEST = 12
"""Minimum number of sampled mutants of a package."""

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Mod: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}  # fmt: skip
BUILTINS = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum",
            "maximum": "minimum"}  # fmt: skip

COMPILED = re.compile(r"Routine|Intrinsic|njit|register_jitable|declare_device")
"""Decorators of functions that Numba compiles."""

Node = ast.expr | ast.stmt

ELSEWHERE = re.compile(r"TYPE_CHECKING|os\.name|sys\.platform|hasattr\(os,")
"""Conditions of code that runs only on other systems or never."""


@dataclass(frozen=True)
class Mutant:
    """A change of one file.

    Attributes:
        start: the offset of the replaced bytes.
        lines: the lines of its statement, without a body.
        is_global: whether its statement runs when its module is imported.
    """

    file: str
    function: str
    operator: str
    statement: str
    number: int
    start: int
    end: int
    text: str
    lines: tuple[int, int]
    is_global: bool

    @property
    def name(self) -> str:
        """Its identifier within the file, as in the record."""
        return f"{self.function} {self.operator} {self.statement}#{self.number}"

    @property
    def rank(self) -> str:
        """A hash by which mutants are sampled."""
        return _hash(f"{self.file} {self.name}")

    @property
    def package(self) -> str:
        """The package of its file."""
        return package_of(self.file)

    def applied(self, source: bytes) -> bytes:
        """Return the source of its file with the change applied."""
        return source[: self.start] + self.text.encode() + source[self.end :]


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=4).hexdigest()


def package_of(file: str) -> str:
    """Return the package of a file, for example `declnet/spec`."""
    parts = Path(file).parts
    return "/".join(parts[: min({"declnet": 2}.get(parts[0], 3), len(parts) - 1)])


def sample(root: Path) -> list[Mutant]:
    """Return the sample of a tree: the mutants of each package with the lowest ranks.

    The number for a package is proportional to its lines of code. Of each statement, only the
    mutant with the lowest rank is drawn, so most mutants of unchanged code stay in the sample.
    """
    from benchmarks.ratchets import code_lines  # importable only from the repository's root

    lines, mutants = Counter[str](), dict[str, list[Mutant]]()
    for path in sorted([*root.glob("declnet/**/*.py"), *root.glob("plugins/*/**/*.py")]):
        file = path.relative_to(root).as_posix()
        source = path.read_text("utf-8")
        lines[package_of(file)] += code_lines(source)
        first = dict[tuple[int, int], Mutant]()
        for mutant in sorted(mutants_of(file, source), key=lambda mutant: mutant.rank):
            first.setdefault(mutant.lines, mutant)
        mutants.setdefault(package_of(file), []).extend(first.values())
    quota = {name: min(FEWEST, len(group)) for name, group in mutants.items()}
    while sum(quota.values()) < SIZE:
        open_ = [name for name, group in mutants.items() if quota[name] < len(group)]
        quota[max(open_, key=lambda name: lines[name] / (quota[name] + 1))] += 1
    return [
        mutant
        for name, group in sorted(mutants.items())
        for mutant in sorted(group, key=lambda mutant: mutant.rank)[: quota[name]]
    ]


def mutants_of(file: str, source: str) -> Iterator[Mutant]:
    """Yield all mutants of a file."""
    encoded = source.encode()
    starts = [0]
    for line in encoded.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    numbers = Counter[tuple[str, str, str]]()

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + column

    def visit(
        node: ast.AST, names: tuple[str, ...], statement: ast.stmt | None, is_global: bool
    ) -> Iterator[Mutant]:
        if isinstance(node, ast.stmt):
            statement = node
        if isinstance(node, ast.expr | ast.stmt) and statement is not None:
            last = statement.end_lineno or statement.lineno
            body = getattr(statement, "body", None)
            if body:
                last = max(statement.lineno, body[0].lineno - 1)
            at = offset(statement.lineno, statement.col_offset)
            shown = b" ".join(encoded[at : starts[last]].split()).decode()
            function, hashed = ".".join(names) or "-", _hash(shown)
            for operator, target, text in changes(node, int(hashed, 16)):
                key = (function, operator, hashed)
                numbers[key] += 1
                yield Mutant(
                    file, function, operator, hashed, numbers[key],
                    offset(target.lineno, target.col_offset),
                    offset(target.end_lineno or 0, target.end_col_offset or 0),
                    text, (statement.lineno, last), is_global,
                )  # fmt: skip
        inner = names
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = (*names, node.name)
        body = () if isinstance(node, ast.ClassDef) else getattr(node, "body", ())
        for child in mutated_children(node):
            is_inner = inner != names and child in body
            yield from visit(child, inner, statement, is_global and not is_inner)

    yield from visit(ast.parse(source), (), None, True)


def mutated_children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node to mutate: no annotations, strings, or code for other systems."""
    skipped = set[str]()
    match node:
        case ast.JoinedStr():
            return
        case ast.If() if ELSEWHERE.search(ast.unparse(node.test)):
            skipped = {"test", "body"}
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            if any(COMPILED.search(ast.unparse(name)) for name in node.decorator_list):
                return
            skipped = {"returns", "decorator_list"}
        case ast.ClassDef():
            skipped = {"bases", "decorator_list"}
        case ast.arg() | ast.AnnAssign():
            skipped = {"annotation"}
    for name, value in ast.iter_fields(node):
        if name not in skipped:
            yield from (
                child
                for child in (value if isinstance(value, list) else [value])
                if isinstance(child, ast.AST)
            )


def changes(node: ast.expr | ast.stmt, choice: int) -> Iterator[tuple[str, Node, str]]:
    """Yield each change of a node: the operator, the replaced node, and its replacement.

    `choice` selects one of several changes of a number.
    """

    def changed(**fields: object) -> str:
        other = copy.copy(node)
        for name, value in fields.items():
            setattr(other, name, value)
        return f"({ast.unparse(other)})"

    match node:
        case ast.Compare(ops=operators):
            for at, operator in enumerate(operators):
                if other := COMPARISONS.get(type(operator)):
                    ops = [*operators[:at], other(), *operators[at + 1 :]]
                    yield "comparison", node, changed(ops=ops)
        case ast.BinOp(left=left, op=operator, right=right):
            is_text = any(
                isinstance(side, ast.JoinedStr)
                or (isinstance(side, ast.Constant) and isinstance(side.value, str))
                for side in (left, right)
            )
            if not is_text and (arithmetic := ARITHMETIC.get(type(operator))):
                yield "arithmetic", node, changed(op=arithmetic())
        case ast.BoolOp(op=operator):
            other_op = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield "and-or", node, changed(op=other_op)
        case ast.UnaryOp(op=ast.Not() | ast.USub() as operator, operand=operand):
            name = "not" if isinstance(operator, ast.Not) else "minus"
            yield f"removed-{name}", node, f"({ast.unparse(operand)})"
        case ast.Constant(value=bool() as value):
            yield "true-false", node, str(not value)
        case ast.Constant(value=int() | float() as value):
            numbers = (value + 1, value * 2, -value) if value else (value + 1, value - 1)
            yield "number", node, f"({numbers[choice % len(numbers)]!r})"
        case ast.Call(func=ast.Name(id=name)) if name in BUILTINS:
            yield "min-max", node, changed(func=ast.Name(BUILTINS[name]))
        case ast.Call(func=ast.Attribute(attr=name, value=owner)) if name in BUILTINS:
            yield "min-max", node, changed(func=ast.Attribute(owner, BUILTINS[name]))
        case ast.IfExp(test=test) | ast.If(test=test) | ast.While(test=test):
            is_simple = not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Constant)
            if is_simple and not ELSEWHERE.search(ast.unparse(test)):
                yield "negated", test, f"(not ({ast.unparse(test)}))"
        case ast.Slice(lower=lower, upper=upper, step=step):
            for name, bound in (("lower", lower), ("upper", upper), ("step", step)):
                if bound:
                    yield "slice", node, changed(**{name: None})[1:-1]
        case ast.Expr(value=ast.Call()):
            yield "removed-call", node, "pass"
        case ast.Continue():
            yield "break", node, "break"
        case ast.Break():
            yield "continue", node, "continue"
        case _:
            pass
