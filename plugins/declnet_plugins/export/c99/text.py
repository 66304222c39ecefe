"""C99 source text: literals, identifiers and strings.

Names from outside, such as column and class names, become `identifier`s or `string`s, and appear
nowhere else in a program, not even in comments.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.exchange import ExportError

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

TAKEN = re.compile(
    r"\w+_(t|MAX|MIN|BIT|C)|(FP|MATH|M|SEEK)_\w+|HUGE_VAL[FL]?|BUFSIZ|EOF|I|L_tmpnam|assert|complex"
    r"|errno|linux|std(err|in|out)|unix"
)
"""Names of types and macros of the standard headers, and others that look like them."""

LONGEST = 40
"""Characters of an identifier that are made of a text, at most."""

LINE = 100
"""Characters of a line, at most."""


def identifier(text: str, otherwise: str = "value") -> str:
    """Return an identifier that resembles a text: `Größe (cm)` becomes `Groe_cm`.

    Args:
        text: any text; letters outside of ASCII lose their accents or are left out.
        otherwise: what is used if nothing of the text remains.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:LONGEST] or otherwise
    if name[0].isdigit():
        name = f"{otherwise}_{name}"
    return f"{name}_" if name in KEYWORDS or TAKEN.fullmatch(name) else name


def string(text: str) -> str:
    """Return a string literal of a text in UTF-8, in ASCII characters alone.

    Raises:
        ExportError: the text has a NUL character, which would end it.
    """
    if "\0" in text:
        message = f"C has no texts with a NUL character, but the model has {text!r:.80}"
        raise ExportError([(message, "rename it in the data, or choose another format")])
    return '"' + "".join(map(_character, text.encode())) + '"'


def _character(byte: int) -> str:
    if byte in b'"\\?':  # ? could begin a trigraph
        return "\\" + chr(byte)
    if byte == ord("$") or not 32 <= byte < 127:  # $ begins a term in the body of a step
        return f"\\{byte:03o}"
    return chr(byte)


def read_string(literal: str) -> str:
    """Return the text of a literal that `string` wrote."""
    parts = re.findall(r"\\[0-7]{3}|\\?.", literal[1:-1])
    return bytes(
        int(part[1:], 8) if part[1:].isdigit() else ord(part[-1]) for part in parts
    ).decode()


def float_literal(value: Any) -> str:
    """Return the shortest literal that is a number in float32."""
    number = np.float32(value)
    if not np.isfinite(number):
        return _special(float(number))
    return f"{number!s}f"


def double_literal(value: Any) -> str:
    """Return the shortest literal that is a number in float64."""
    number = float(value)
    return repr(number) if np.isfinite(number) else f"(double) {_special(number)}"


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
    for item in items:
        if length + len(item) + 2 > LINE:
            lines.append(["    "])
            length = 4
        lines[-1].append(f"{item}, ")
        length += len(item) + 2
    body = "\n".join("".join(line).rstrip() for line in lines)
    return "{\n" + body.rstrip(",") + "\n}"
