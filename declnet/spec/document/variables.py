"""Variables: `"${width}"` stands for the value of `width` in the section `[variables]`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from declnet.contracts.plain_values import leaves, mapped
from declnet.errors import Diagnostic, KeyPath, SpecError
from declnet.registry.spelling import closest
from declnet.spec.shown_values import shown

VARIABLES = "variables"
"""The section that defines variables; it exists only before validation."""

MOST_VALUES = 500_000
"""Maximum number of values that variables, or blocks, may write out; a file has fewer."""

MOST_SUGGESTIONS = 20
"""Maximum number of names that are compared with all others, which takes long for many."""

_USE = re.compile(r"\$\{([^{}]*)\}")
_ESCAPED = re.compile(r"\$+\$\{[^{}]*\}")
_LITERAL = re.compile(r"\$+\{[^{}]*\}")
_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, eq=False)
class Substituted:
    """A document in which variables are replaced by their values.

    Attributes:
        document: the document without the section `[variables]`; the same object if it uses none.
        uses: the name of the variable at each path that one was written at.
        diagnostics: undefined, unused and malformed variables, with paths as written.
    """

    document: dict[str, Any]
    uses: Mapping[KeyPath, str] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


def substituted(document: dict[str, Any], used_before: Collection[str] = ()) -> Substituted:
    """Replace each string that is exactly `"${name}"` by the variable's value, with its type.

    `"$${name}"` becomes the text `"${name}"`. An undefined variable is left unchanged.

    Args:
        document: the spec as tables, lists and scalars.
        used_before: variables used in values that were overridden, which counts as use.

    Raises:
        SpecError: the variables are so large, and used so often, that they could fill the memory.
    """
    if VARIABLES not in document and all("${" not in text for _, text in _strings(document, ())):
        return Substituted(document)
    return _Substitution(document).result(document, used_before)


def names_in(value: Any) -> Iterator[str]:
    """Yield the name of each variable that is used in a value, at any depth."""
    for _, text in _strings(value, ()):
        match = _USE.fullmatch(text)
        if match is not None:
            yield match[1]


def size_of(value: Any) -> int:
    """Return the number of values in a value, itself included."""
    if isinstance(value, dict):
        return 1 + sum(map(size_of, value.values()))
    return 1 + sum(map(size_of, value)) if isinstance(value, list | tuple) else 1


def literal_value(value: Any) -> Any:
    """Return what to write in a spec for a value, whose strings may look like variables.

    The text `"${name}"` is written as `"$${name}"`; everything else is unchanged.
    """

    def literal(scalar: Any) -> Any:
        is_literal = isinstance(scalar, str) and _LITERAL.fullmatch(scalar)
        return f"${scalar}" if is_literal else scalar

    return mapped(value, literal)


class _Substitution:
    def __init__(self, document: Mapping[str, Any]) -> None:
        section = document.get(VARIABLES, {})
        self._values: dict[str, Any] = section if isinstance(section, dict) else {}
        self._uses: dict[KeyPath, str] = {}
        self._diagnostics: list[Diagnostic] = []
        self._meant: dict[str, str | None] = {}  # by undefined name
        self._left = MOST_VALUES
        if not isinstance(section, dict):
            message = f'"{VARIABLES}" must be a table, not {shown(section)}'
            self._diagnostics.append(Diagnostic(message, None, (VARIABLES,), "E012"))

    def result(self, document: Mapping[str, Any], used_before: Collection[str]) -> Substituted:
        for name, value in self._values.items():
            self._check_definition(name, value)
        self._meanings = {name: mapped(value, _unescaped) for name, value in self._values.items()}
        self._sizes = {name: size_of(value) for name, value in self._values.items()}
        rest = {key: item for key, item in document.items() if key != VARIABLES}
        replaced = self._replaced(rest, ())
        used = {*self._uses.values(), *used_before}
        used.update(filter(None, self._meant.values()))  # reported at the misspelled use
        known = used & self._values.keys()
        unused = [name for name in self._values if isinstance(name, str) and name not in used]
        for number, name in enumerate(unused):
            close = closest(name, known) if number < MOST_SUGGESTIONS else None
            hint = f'did you mean "{close}"?' if close else f'write "${{{name}}}", or remove it'
            message = f'the variable "{name}" is not used'
            path = (VARIABLES, name)
            self._diagnostics.append(Diagnostic(message, hint, path, "E071", focus="key"))
        return Substituted(replaced, self._uses, tuple(self._diagnostics))

    def _check_definition(self, name: Any, value: Any) -> None:
        path = (VARIABLES, name)
        if not _is_name(name):
            message = f'"{name}" cannot name a variable'
            hint = "use letters, digits, _ and -"
            self._diagnostics.append(Diagnostic(message, hint, path, "E014", focus="key"))
        for below, text in _strings(value, path):
            match = _USE.fullmatch(text)
            if match is not None:
                message = f'the variable "{name}" refers to another variable, "{match[1]}"'
                hint = f'write its value, or "${text}" for the text'
                self._diagnostics.append(Diagnostic(message, hint, below, "E072"))

    def _replaced(self, value: Any, path: KeyPath) -> Any:
        if isinstance(value, dict):
            return {key: self._replaced(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            items = [self._replaced(item, (*path, at)) for at, item in enumerate(value)]
            return tuple(items) if isinstance(value, tuple) else items
        return self._replaced_text(value, path) if isinstance(value, str) else value

    def _replaced_text(self, value: str, path: KeyPath) -> Any:
        match = _USE.fullmatch(value)
        if match is None:
            self._check_part(value, path)
            return _unescaped(value)
        name = match[1]
        if name not in self._values:
            self._diagnostics.append(self._undefined(name, value, path))
            return value
        self._uses[path] = name
        self._left -= self._sizes[name]
        if self._left < 0:
            message = f"variables are replaced by more than {MOST_VALUES:,} values"
            raise SpecError([Diagnostic(message, None, path, "E013")])
        return self._meanings[name]

    def _undefined(self, name: str, text: str, path: KeyPath) -> Diagnostic:
        if name not in self._meant and len(self._meant) < MOST_SUGGESTIONS:
            self._meant[name] = closest(name, filter(_is_name, self._values))
        close = self._meant.get(name)
        hint = f'define it in [{VARIABLES}], or write "${text}" for the text'
        if close is not None:
            hint = f'did you mean "${{{close}}}"?'
        elif 0 < len(self._values) <= MOST_SUGGESTIONS:
            hint = f"variables: {', '.join(sorted(filter(_is_name, self._values)))}"
        return Diagnostic(f'there is no variable "{name}"', hint, path, "E070")

    def _check_part(self, text: str, path: KeyPath) -> None:
        """Report a text that contains a defined variable, which would not be replaced."""
        if _ESCAPED.fullmatch(text):
            return
        for name in _USE.findall(text):
            if name in self._values:
                message = f'{shown(text)} contains "${{{name}}}", but a variable is a whole value'
                hint = f"make the variable the whole value, or rename {name}"
                self._diagnostics.append(Diagnostic(message, hint, path, "E072"))
                return


def _strings(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    return ((at, scalar) for at, scalar in leaves(value, path) if isinstance(scalar, str))


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _unescaped(value: Any) -> Any:
    if not isinstance(value, str) or not _ESCAPED.fullmatch(value):
        return value
    from declnet.contracts.strict_model import LocatedString

    text = value[1:]
    return LocatedString(text, value.folder) if isinstance(value, LocatedString) else text
