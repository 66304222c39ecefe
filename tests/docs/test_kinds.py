"""The page of each kind of component, which is complete as a plain file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from declnet_pages.code_blocks import CodeBlock, written_pages
from declnet_pages.conformance_checks import TABLE, with_current_checks
from declnet_pages.public_names import public_contracts

from .conftest import DOCS
from .test_signatures import stub_of

KINDS = DOCS / "plugins" / "kinds"
SECTIONS = ["Example", "Methods", "What is verified", "Common mistakes"]
CONTRACTS = {
    name.rpartition(".")[2]: contract
    for name, contract in public_contracts().items()
    if contract.kind != "report_panel"
}


def prose_of(page: str) -> str:
    """Return a page without its blocks and its tables of checks."""
    return TABLE.sub("", re.sub(r"^(?:% .*\n)?(```+)[\s\S]*?^\1$", "", page, flags=re.M))


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_kind_has_a_page_with_an_example_its_methods_and_its_checks(
    name: str, blocks: list[CodeBlock], example_projects: dict
) -> None:
    contract = CONTRACTS[name]
    (page,) = {block.page for block in blocks if block.marker == f"signatures {name}"}
    assert page.parent == KINDS
    text = page.read_text("utf-8")
    assert [
        title for title in re.findall(r"^## (.*)$", text, re.M) if title in SECTIONS
    ] == SECTIONS
    files = {block.argument for block in blocks if block.page == page and block.verb == "file"}
    assert any(
        f"declnet-counts/{component.__module__.replace('.', '/')}.py" in files
        for component in example_projects["declnet-counts"].components()
        if issubclass(component, contract)
    )
    source = f"{contract.__module__.replace('.', '/')}.py"
    assert re.search(rf"`(plugins/)?{re.escape(source)}`", text)
    for method in re.findall(r"^    def (\w+)", stub_of(contract), re.M):
        assert re.search(rf"^\| [^|]*`{method}\b", text, re.M), method
    if name not in ("Elementwise", "TableSource", "TextTableSource"):
        assert f"<!-- checks of {contract.kind} -->" in text


@pytest.mark.parametrize("page", sorted(DOCS.glob("plugins/**/*.md")), ids=lambda page: page.stem)
def test_a_page_for_authors_is_short(page: Path) -> None:
    words = re.findall(r"\S*\w\S*", prose_of(page.read_text("utf-8")))
    assert len(words) <= 1200


@pytest.mark.parametrize("page", sorted(KINDS.glob("*.md")), ids=lambda page: page.stem)
def test_a_page_of_a_kind_needs_no_build(page: Path) -> None:
    text = page.read_text("utf-8")
    assert re.findall(r"^```\{.*|\{py:\w+\}|\[\]\(.*?\)|^\(.*\)=$", text, re.M) == []
    for target in re.findall(r"\]\(([^)#:]+)", text):
        assert (page.parent / target).is_file(), target


def test_tables_of_checks_are_current() -> None:
    """`nox -s gen` updates the tables."""
    texts = {page: page.read_text("utf-8") for page in written_pages(DOCS)}
    changed = [page.name for page, text in texts.items() if with_current_checks(text) != text]
    assert changed == []
