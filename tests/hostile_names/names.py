"""Names that would mean something in a language or format if they were written into it raw."""

from __future__ import annotations

import random
from collections.abc import Iterator

PARTS = (
    *(
        "*/",
        "/*",
        "//",
        "/**/",
        "\\",
        '"',
        "'",
        '"""',
        "'''",
        "`",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "\v",
        "\f",
    ),
    *(
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\u200b",
        "\u202e",
        "\u2066",
        "\u2069",
    ),
    *(
        "]",
        "[",
        "}",
        "{",
        "{{",
        "}}",
        "{% x %}",
        "${x}",
        "$x",
        "$(id)",
        "#",
        "=",
        ":",
        ",",
        ";",
        ".",
        "|",
    ),
    *(
        "<",
        ">",
        "&",
        "&amp;",
        "</script>",
        "<script>",
        "<!--",
        "-->",
        "]]>",
        "<![CDATA[",
        "</style>",
    ),
    *(
        "<img src=x onerror=pwned()>",
        '" onload="pwned()',
        "javascript:pwned()",
        "</title>",
        "</svg>",
    ),
    *("%s", "%n", "%(x)s", "{0}", "{x!r}", "%00", "%0d%0aX-Pwned: 1", "??/", "??'", "??=", "?\\?"),
    *("'; DROP TABLE pwned; --", "__proto__", "__class__", "constructor", "__import__('pwned')"),
    *(
        "int",
        "return",
        "NULL",
        "NAN",
        "INT_MAX",
        "HUGE_VAL",
        "errno",
        "size_t",
        "M_PI",
        "I",
        "signbit",
    ),
    *(
        "import",
        "None",
        "lambda",
        "rows",
        "np",
        "W",
        "column",
        "input",
        "input.x",
        "output",
        "y",
        "n",
    ),
    *(
        "#define pwned",
        "#error",
        "system",
        'system("pwned");',
        "\nimport pwned\n",
        "\n[data.train]\n",
    ),
    *(
        '\npath = "pwned"\n',
        "é",
        "ß",
        "ﬁ",
        "日本",
        "🙂",
        "a\u0301",
        "e\u0301",
        "=cmd|' /C pwned'!A0",
        "+1",
    ),
    *("constant", "table/Concat", "prediction", "label", "probabilities", "a.impute", "x_1", "x_2"),
)
"""What begins, ends or escapes something in C, Python, TOML, JSON, HTML, SVG, SQL, CSV or HTTP."""

WORDS = ("a", "size", " ", "  ", "1", "_", "-", "row")

NUL = ("\0", "a\0b", "\0\0")
"""Parts that a CSV file cannot have."""

WHOLE = (
    *(
        '*/ extern int system(const char*); system("pwned"); /*',
        "*/ pwned(); /*",
        '"""; import pwned #',
    ),
    *(
        "x\n\n99.9 s, runs/fake-1",
        "</script><script>pwned()</script>",
        "a" * 10_000,
        "*/" * 5_000,
        "?" * 99,
    ),
    *(
        '\\"',
        "\\",
        "'",
        '"',
        "#",
        "]",
        "??/",
        "x??/\n",
        "\\\n",
        "__proto__",
        "None",
        "true",
        "nan",
        "1e5",
    ),
    *(
        "$x",
        "$",
        "$$",
        "${p}",
        "\\$x$",
        "$\\frac{",
        "_",
        "-",
        ".",
        "..",
        "../..",
        "/",
        "a b",
        "a_b",
        "a.b",
    ),
)
"""Names that are tried as they are."""


def hostile_names(seed: int, *, spaces: bool, nul: bool) -> Iterator[str]:
    """Yield distinct names without end, the fixed ones of a seed among them.

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
