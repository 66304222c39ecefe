"""Error messages quoted in the docs match declnet's actual output."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SHOWN = {
    "docs/tutorials/first_run.md": (
        "wrong.toml",
        {
            "units = 64": "unit = 64",
            '"relu"': '"rellu"',
            "rate = 0.02": 'rate = "0.02"',
            "epochs = 10001": "epochs = 0",
        },
    ),
}


@pytest.mark.parametrize("page", SHOWN)
def test_the_problems_of_a_spoiled_spec(
    page: str, repository: Path, tmp_path: Path, declnet_cli
) -> None:
    name, changes = SHOWN[page]
    text = (repository / "specs" / "spiral_adam.toml").read_text("utf-8")
    for right, wrong in changes.items():
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    (tmp_path / name).write_text(text, "utf-8")
    shown = re.search(
        r"^error\[.*?says more\n", (repository / page).read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert shown is not None
    assert declnet_cli("check", name).stderr == shown[0]


@pytest.mark.parametrize(
    ("page", "name", "change"),
    [
        ("blocks", "trunk.toml", lambda text: text.replace("width = 32", 'width = "32"')),
        (
            "composition",
            "wrong.toml",
            lambda _: 'extends = "spiral.toml"\n\n[optimizer]\nlearning_rat = 0.05\n',
        ),
    ],
)
def test_the_problem_of_a_page(page, name, change, docs, tmp_path, declnet_cli) -> None:
    text = (docs / "how_to" / f"{page}.md").read_text("utf-8")
    blocks = re.findall(r"^```\w+\n((?:# \w+\.toml|error).*?\n)```", text, re.M | re.S)
    for block in blocks[:-1]:
        (tmp_path / block.split()[1]).write_text(block, "utf-8")
    (tmp_path / name).write_text(change(blocks[0]), "utf-8")
    assert declnet_cli("check", name).stderr == blocks[-1]
