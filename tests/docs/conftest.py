"""Sources of the documentation: pages, their code blocks, and the plugins that they show."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from declnet import Registry, discover

from ..distributions import write_metadata

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "_extension"))

from declnet_pages.code_blocks import CodeBlock, code_blocks, written_pages  # noqa: E402
from declnet_pages.generation import generated_sources  # noqa: E402

BLOCKS = [block for page in written_pages(DOCS) for block in code_blocks(page)]
PAGES_WITH_OUTPUT = {block.page for block in BLOCKS if block.verb == "prints"}


@dataclass(frozen=True)
class ExampleProject:
    """A plugin that pages show in full, installed in place, with its package and metadata."""

    name: str
    folder: Path

    @property
    def packages(self) -> list[Path]:
        return sorted(file.parent for file in self.folder.glob("*/__init__.py"))

    def registered(self) -> Registry:
        """Return the components of the plugin and of declnet."""
        registry = discover()
        list(registry.entries())
        assert registry.failures == []
        return registry

    def components(self) -> list[type[Any]]:
        """Return the classes that the plugin registers."""
        entries = self.registered().entries()
        return [entry.component for entry in entries if entry.plugin.distribution == self.name]

    def write_metadata(self) -> None:
        """Write the metadata that an installer makes from pyproject.toml."""
        project = tomllib.loads((self.folder / "pyproject.toml").read_text("utf-8"))["project"]
        assert project["name"] == self.name
        write_metadata(self.folder, self.name, project["version"], project["entry-points"])


def projects_shown() -> list[str]:
    """Return the projects of all blocks `% file PROJECT/…`."""
    files = [block.argument for block in BLOCKS if block.verb == "file"]
    return sorted({file.partition("/")[0] for file in files})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize tests by the blocks that their argument names."""
    chosen = {
        "spec_block": [block for block in BLOCKS if block.verb == "spec"],
        "python_block": [block for block in BLOCKS if block.language == "python"],
        "toml_block": [block for block in BLOCKS if block.language == "toml"],
        "json_block": [block for block in BLOCKS if block.language == "json"],
        "running_blocks": list(_running(BLOCKS)),
        "page_with_output": sorted(PAGES_WITH_OUTPUT),
        "shell_block": [block for block in BLOCKS if block.language == "sh"],
        "project_name": projects_shown(),
    }
    for name, values in chosen.items():
        if name in metafunc.fixturenames:
            assert values, f"no page has a {name}"
            metafunc.parametrize(name, values, ids=[_id(value) for value in values])


def _id(value: object) -> str:
    if isinstance(value, Path):
        return value.stem
    return str(value[0]) if isinstance(value, tuple) else str(value)


def _running(blocks: list[CodeBlock]) -> Iterator[tuple[CodeBlock, ...]]:
    """Yield each block that runs, with its continuations; pages with output run as a whole."""
    group: list[CodeBlock] = []
    for block in blocks:
        if block.page in PAGES_WITH_OUTPUT:
            continue
        if block.verb == "runs":
            if group:
                yield tuple(group)
            group = [block]
        elif block.verb == "continues":
            group.append(block)
    if group:
        yield tuple(group)


@pytest.fixture(autouse=True)
def output_of_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print tables as wide as pages show them."""
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="session")
def docs() -> Path:
    return DOCS


@pytest.fixture(scope="session")
def generated() -> dict[str, str]:
    """Return every generated source by path, without Sphinx."""
    return generated_sources()


@pytest.fixture(scope="session")
def all_text(generated: dict[str, str]) -> str:
    """Return the source of everything that a reader finds."""
    return "\n".join(
        [*(page.read_text("utf-8") for page in written_pages(DOCS)), *generated.values()]
    )


@pytest.fixture(scope="session")
def blocks() -> list[CodeBlock]:
    return BLOCKS


@pytest.fixture(scope="session")
def written_projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ExampleProject]:
    """Return every project that pages show, written to a folder."""
    folder = tmp_path_factory.mktemp("projects")
    for block in BLOCKS:
        if block.verb == "file":
            path = folder / block.argument
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
    projects = {name: ExampleProject(name, folder / name) for name in projects_shown()}
    for name, project in projects.items():
        _complete(project, name)
        project.write_metadata()
    return projects


@pytest.fixture
def example_projects(
    written_projects: dict[str, ExampleProject], monkeypatch: pytest.MonkeyPatch
) -> dict[str, ExampleProject]:
    """Put the projects on the import path during a test."""
    for project in written_projects.values():
        monkeypatch.syspath_prepend(project.folder)
    return written_projects


def _complete(project: ExampleProject, name: str) -> None:
    """Add the output of `declnet plugins new` before the page edits one of its files."""
    if not project.packages:
        from declnet.inspection.plugins.scaffold import write_package

        written = write_package(name, "layer", project.folder / "new")
        for file in written.rglob("*"):
            target = project.folder / file.relative_to(written)
            if file.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())
