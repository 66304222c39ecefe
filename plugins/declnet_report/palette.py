"""Series colors that people with any color vision can tell apart.

After Okabe and Ito, Color Universal Design, 2008, each darkened or lightened until its contrast
with the page is at least 3:1. The page's style sheet and all pictures use them.
"""

LIGHT = (
    "#0068b0",
    "#c4500a",
    "#008563",
    "#a8387f",
    "#8a6a00",
    "#2c88b8",
    "#5b4bb3",
    "#5c6670",
)
"""Colors on white."""

DARK = (
    "#5eb3f0",
    "#f3924f",
    "#3ecba2",
    "#e58cc4",
    "#e8c04a",
    "#8fd3f4",
    "#b0a2f5",
    "#b4bdc6",
)
"""Colors on near black."""

SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)
"""Shapes of points, so that nothing depends on color alone."""

DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 2, 1, 2], [1, 3], [12, 3, 3, 3])
"""Dash patterns of lines."""


def series_color(index: int) -> str:
    """Return a series' color as a style sheet variable; colors repeat after the eighth."""
    return f"var(--series-{index % len(LIGHT) + 1})"


def rgb(index: int) -> tuple[int, int, int]:
    """Return a series' color between light and dark, for images that suit both."""
    pair = (LIGHT[index % len(LIGHT)], DARK[index % len(DARK)])
    parts = [[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in pair]
    red, green, blue = ((a + b) // 2 for a, b in zip(*parts, strict=True))
    return red, green, blue
