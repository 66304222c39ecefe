"""Names that have a meaning in some language or format if they are written unescaped."""

from __future__ import annotations

import random
from collections.abc import Iterator

_PLAIN_PARTS = r"""
    */ /* // /**/ \ ?\? ??/ ??' ??= " ' ` ] [ } { {{ }} ${x} $x $(id) # = : , ; . |
    < > & &amp; </script> <script> <!-- --> ]]> <![CDATA[ </style> </title> </svg>
    javascript:pwned() %s %n %(x)s {0} {x!r} %00 +1 #error system system("pwned");
    __proto__ __class__ constructor __import__('pwned') import None lambda rows np W column
    int return NULL NAN INT_MAX HUGE_VAL errno size_t M_PI I signbit input input.x output y n
    constant table/Concat prediction label probabilities a.impute x_1 x_2 é ß ﬁ 日本 🙂
"""
_SPACES = "\n \r \r\n \t \v \f \x1b[31m \x7f \x85 \u2028 \u2029 \ufeff \u200b \u202e"

PARTS = (
    *_PLAIN_PARTS.split(),
    *_SPACES.split(" "),
    *("\u2066", "\u2069", "a\u0301", "e\u0301", '"""', "'''"),
    *("<img src=x onerror=pwned()>", '" onload="pwned()', "%0d%0aX-Pwned: 1", "{% x %}"),
    *("'; DROP TABLE pwned; --", "=cmd|' /C pwned'!A0", "#define pwned"),
    *("\nimport pwned\n", "\n[data.train]\n", '\npath = "pwned"\n'),
)
"""What begins, ends or escapes something in C, Python, TOML, JSON, HTML, SVG, SQL, CSV or HTTP."""

WORDS = ("a", "size", " ", "  ", "1", "_", "-", "row")

NUL = ("\0", "a\0b", "\0\0")
"""Parts that a CSV file cannot have."""

_PLAIN_NAMES = r"""
    </script><script>pwned()</script> \" \ ' " # ] ??/ __proto__ None true nan 1e5
    $x $ $$ ${p} \$x$ $\frac{ _ - . .. ../.. / a_b a.b
"""

WHOLE = (
    *_PLAIN_NAMES.split(),
    *('*/ extern int system(const char*); system("pwned"); /*', "*/ pwned(); /*"),
    *('"""; import pwned #', "x\n\n99.9 s, runs/fake-1", "x??/\n", "\\\n", "a b"),
    *("a" * 10_000, "*/" * 5_000, "?" * 99),
)
"""Names that are tried as they are."""


def hostile_names(seed: int, *, spaces: bool, nul: bool) -> Iterator[str]:
    """Yield distinct names forever, including the fixed ones of a seed.

    Args:
        seed: which ones; eight seeds have all of `WHOLE`.
        spaces: whether they may have spaces around them.
        nul: whether they may have NUL characters.
    """
    rng = random.Random(seed)
    seen = {"", "nan", "none", "null", "na"}
    parts = (*PARTS, *NUL) if nul else PARTS
    planned = list(WHOLE[seed % 8 :: 8])
    while True:
        if planned:
            name = planned.pop()
        else:
            chosen = [
                rng.choice(parts if rng.random() < 0.7 else WORDS) for _ in range(rng.randint(1, 5))
            ]
            name = "".join(chosen)
        if not spaces:
            name = name.strip()
        if name.strip().lower() not in seen:
            seen.add(name.strip().lower())
            yield name
