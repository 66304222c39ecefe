"""Coverage of the documentation: names, components, keys, commands, and links."""

from __future__ import annotations

import re
from inspect import getmembers
from pathlib import Path

import pytest
from declnet_pages.code_blocks import written_pages
from declnet_pages.component_pages import PLACES, PLURALS, component_section, label
from declnet_pages.public_names import PACKAGES, public_contracts
from declnet_pages.spec_tables import SECTIONS

import declnet
from declnet import default_registry
from declnet.inspection.plugins.command import KINDS
from declnet.testing import __all__ as names_of_the_kit
from declnet_plugins.jit import _NAMES as NAMES_FOR_KERNELS

KINDS_ELSEWHERE = {"report_panel": "commands_and_panels"}
"""Kinds of plugins whose contract has a separate page."""

CONTRACTS = {
    name: contract
    for name, contract in public_contracts().items()
    if "kind" in vars(contract) and contract.kind not in KINDS_ELSEWHERE
}
COMPONENTS = [(entry.kind, entry.type) for entry in default_registry().entries()]


def documented(name: str, text: str) -> bool:
    """Return whether a directive documents a name, as `.. autoclass:: declnet.Layer` does."""
    return re.search(rf"^\.\. [a-z:]+:: {re.escape(name)}(?=$|\()", text, re.MULTILINE) is not None


def test_every_public_name_is_documented(all_text: str, docs: Path) -> None:
    python, contracts, kit, kernels = (
        (docs / page).read_text("utf-8")
        for page in (
            "reference/python.md",
            "reference/contracts.md",
            "plugins/kit.md",
            "plugins/kinds/kernel.md",
        )
    )
    for package in PACKAGES:
        for name in package.__all__:
            assert documented(f"{package.__name__}.{name}", all_text), name
    for name in declnet.__all__:
        assert f"declnet.{name}" in python + contracts
    for name in names_of_the_kit:
        assert documented(f"declnet.testing.{name}", kit), name
    for name in (name for names in NAMES_FOR_KERNELS.values() for name in names):
        documents = documented(f"declnet_plugins.jit.{name}", contracts)
        assert documents or re.search(rf"`{name}\b", kernels), name


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_contract_is_documented_with_an_example_and_all_methods(
    name: str, docs: Path, example_projects: dict
) -> None:
    contract = CONTRACTS[name]
    reference = (docs / "reference" / "contracts.md").read_text("utf-8")
    assert re.search(rf"^\.\. autoclass:: {re.escape(name)}\n   :members:$", reference, re.M)
    assert contract.kind in PLURALS
    assert contract.kind in PLACES
    examples = example_projects["declnet-counts"].components()
    assert contract.kind in {component.kind for component in examples}
    public = {name for name in vars(contract) if not name.startswith("_")}
    methods = getmembers(contract, callable)
    assert [name for name, method in methods if name in public and not method.__doc__] == []


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_every_component_has_its_section_with_docstring_and_fields(
    kind: str, name: str, generated: dict[str, str]
) -> None:
    entry = default_registry().entry(kind, name)
    section, page = component_section(entry), generated[f"components/{kind}.md"]
    assert f"({label(kind, name)})=\n## {name}\n" in page
    assert section in page
    assert f"(#{label(kind, name)})" in generated["components/index.md"]
    assert (entry.component.__doc__ or "").splitlines()[0] in section
    for field in entry.component.model_fields:
        assert f"| `{field}` |" in section


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_of_a_spec_is_on_the_page(
    section: str, generated: dict[str, str], docs: Path
) -> None:
    for key in SECTIONS[section].model_fields:
        assert f"| `{key}` |" in generated[f"generated/spec_{section}.md"]
    include = f"```{{include}} ../generated/spec_{section}.md"
    page = "how_to/blocks.md" if section == "block" else "reference/spec.md"
    assert include in (docs / page).read_text("utf-8")


def test_every_page_is_reachable(docs: Path) -> None:
    index = (docs / "index.md").read_text("utf-8")
    for page in written_pages(docs):
        name = page.relative_to(docs).with_suffix("").as_posix()
        assert name == "index" or re.search(rf"^{name}$", index, re.MULTILINE), name


def test_every_page_is_two_clicks_from_readme(docs: Path) -> None:
    """README links to the index, whose tables name all pages except parts of longer pages."""
    index = (docs / "index.md").read_text("utf-8")
    links = {(docs / link).resolve() for link in re.findall(r"\]\(([^)#]+)", index)}
    parts = docs / "plugins" / "kinds", docs / "tutorials" / "book"
    for page in written_pages(docs):
        assert page.resolve() in links or page.parent in parts or page == docs / "index.md", page


def test_every_link_has_a_text(docs: Path, repository: Path) -> None:
    """Only Sphinx fills in titles; elsewhere, e.g. on GitHub, the link would be empty."""
    for page in (*written_pages(docs), *repository.glob("*.md")):
        assert "[](" not in page.read_text("utf-8"), page


def test_every_kind_of_new_plugin_is_documented(docs: Path) -> None:
    page = (docs / "plugins" / "ten_minutes.md").read_text("utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in page] == []
