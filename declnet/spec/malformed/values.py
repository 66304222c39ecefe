"""Words that stand where a value should: what was probably meant."""

from __future__ import annotations

import re

from declnet.spec.malformed.explanation import Explanation

SWITCHES = {"true": "true", "yes": "true", "on": "true"} | dict.fromkeys(
    ("false", "no", "off"), "false"
)
NOTHING = {"null", "none", "nil", "undefined"}
NO_NUMBERS = {"nan", "inf", "infinity"}

_WORD = re.compile(r"[^\s,\]}#\"']*")
_NUMBER_WITHOUT_ZERO = re.compile(r"([+-]?)(\.\d+)")


def no_value(rest: str, language: str) -> Explanation:
    """Explains what follows where a value should stand, as far as it looks like one.

    Args:
        rest: of the line, from that place.
        language: TOML or JSON.
    """
    found = _WORD.match(rest)
    word = found[0] if found else ""
    number = _NUMBER_WITHOUT_ZERO.match(rest)
    known = word.lower()
    length = max(1, len(word))
    if not word:
        explained = Explanation("a value is missing here")
    elif number is not None:
        hint = f"write {number[1]}0{number[2]}"
        explained = Explanation("a number without a digit before its point", hint, None, length)
    elif known in SWITCHES:
        hint = f"write {SWITCHES[known]}"
        explained = Explanation(f"{word} is no {language} value", hint, None, length)
    elif known in NOTHING:
        hint = "write null" if language == "JSON" else "leave the key out"
        explained = Explanation(f"{word} is no {language} value", hint, None, length)
    elif known.lstrip("+-") in NO_NUMBERS:
        explained = Explanation("a number must be finite", None, None, length)
    elif word[0].isalpha() or word[0] in "_/~":
        hint = f'write "{word}"'
        explained = Explanation("a string without quotation marks", hint, None, length)
    elif word[0] == "(":
        hint = "a list stands in square brackets: [1, 2]"
        explained = Explanation(f"this is no {language} value", hint)
    else:
        hint = "a number begins with a digit or -, a string with a quotation mark"
        explained = Explanation(f"this is no {language} value", hint, None, length)
    return explained
