"""C99 source text: literals, identifiers, strings and comments."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import count
from typing import Any

import numpy as np

from declnet import Array

WORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const
constexpr const_cast continue decltype default delete do double dynamic_cast else enum explicit
export extern false float for friend goto if inline int long mutable namespace new noexcept not
not_eq nullptr operator or or_eq private protected public register reinterpret_cast restrict return
short signed sizeof static static_assert static_cast struct switch template this thread_local throw
true try typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while xor
xor_eq NULL NAN INFINITY
"""

KEYWORDS = frozenset(WORDS.split())
"""Words that are not identifiers in C or C++, or that headers define."""

LINE = 100
"""Characters of a line, at most."""


class Names:
    """Distinct identifiers that are valid in C and C++."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, text: str, otherwise: str = "value") -> str:
        """Return an identifier that resembles a text, and reserve it.

        Args:
            text: any text; letters outside of ASCII lose their accents or are left out.
            otherwise: what is used if nothing of the text remains.
        """
        first = identifier(text, otherwise)
        for number in count(1):
            name = first if number == 1 else f"{first}_{number}"
            if name not in self._taken:
                self._taken.add(name)
                return name
        raise AssertionError


def identifier(text: str, otherwise: str = "value") -> str:
    """Return an identifier that resembles a text: `Größe (cm)` becomes `Groe_cm`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_") or otherwise
    if name[0].isdigit():
        name = f"{otherwise}_{name}"
    return f"{name}_" if name in KEYWORDS else name


def string(text: str) -> str:
    """Return a string literal of a text in UTF-8, in ASCII characters alone."""
    return '"' + "".join(_character(each) for each in text.encode()) + '"'


def _character(byte: int) -> str:
    if byte in b'"\\?':  # ? could begin a trigraph
        return "\\" + chr(byte)
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def comment(text: str) -> str:
    """Return text that may be inside of a comment, on one line."""
    plain = " ".join(text.split()).encode("ascii", "backslashreplace").decode()
    return plain.replace("*/", "* /").replace("/*", "/ *")


def float_literal(value: Any) -> str:
    """Return the shortest literal that is a number in float32."""
    number = np.float32(value)
    if not np.isfinite(number):
        return _special(float(number))
    return f"{number!s}f"


def double_literal(value: Any) -> str:
    """Return the shortest literal that is a number in float64."""
    number = float(value)
    return repr(number) if np.isfinite(number) else _special(number)


def _special(number: float) -> str:
    if np.isnan(number):
        return "NAN"
    return "INFINITY" if number > 0 else "-INFINITY"


def integer_literal(value: Any) -> str:
    """Return a literal of an integer of 32 bits."""
    number = int(value)
    return f"({number + 1} - 1)" if number == -(2**31) else str(number)


LITERALS = {"float": float_literal, "double": double_literal}
"""How numbers of a C type are written; of all others, as integers."""


def initializer(array: Array, ctype: str) -> str:
    """Return the numbers of an array in braces, over several lines."""
    literal = LITERALS.get(ctype, integer_literal)
    with np.errstate(over="ignore"):
        numbers = array.astype(np.float32) if ctype == "float" else array
    return braced(map(literal, numbers.ravel()))


def braced(items: Iterable[str]) -> str:
    """Return items in braces, over several lines."""
    lines, length = [["    "]], 4
    for each in items:
        if length + len(each) + 2 > LINE:
            lines.append(["    "])
            length = 4
        lines[-1].append(f"{each}, ")
        length += len(each) + 2
    body = "\n".join("".join(line).rstrip() for line in lines)
    return "{\n" + body.rstrip(",") + "\n}"
