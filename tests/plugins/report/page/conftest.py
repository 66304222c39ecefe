"""Small runs of every kind of task, and pages parsed as HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import declnet

pytest.importorskip("jinja2", reason="needs the extra report")
pytest.importorskip("pygments", reason="needs the extra report")
pytest.importorskip("vl_convert", reason="needs the extra report")

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
RAW = {"script", "style"}


@dataclass(repr=False)
class Element:
    """An element of a page."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in the element, except scripts and styles."""
        return " ".join(self._raw_text().split())

    def _raw_text(self) -> str:
        parts = (
            child if isinstance(child, str) else "" if child.tag in RAW else child._raw_text()
            for child in self.children
        )
        return "".join(parts)

    def all(self, *tags: str, **attributes: str) -> list[Element]:
        """Elements within, in the page's order, by tag and attributes (a class: one of several)."""
        result = []
        for child in self.children:
            if isinstance(child, str):
                continue
            fits = not tags or child.tag in tags
            for name, value in attributes.items():
                inputs = child.attributes.get(name.rstrip("_"), "")
                fits = fits and (value in inputs.split() if name == "class_" else value == inputs)
            result += ([child] if fits else []) + child.all(*tags, **attributes)
        return result

    def one(self, *tags: str, **attributes: str) -> Element:
        """The only such element."""
        (result,) = self.all(*tags, **attributes)
        return result

    def content(self) -> str:
        """Return the raw content of a script or style."""
        return "".join(child for child in self.children if isinstance(child, str))

    def rows(self) -> list[list[str]]:
        """The texts of a table's cells, the headings first."""
        return [[cell.text for cell in row.all("th", "td")] for row in self.all("tr")]


class Reader(HTMLParser):
    """Builds the tree, and refuses tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.root = self.here = Element("", {}, None)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} is there twice"
        element = Element(tag, {key: value or "" for key, value in attrs}, self.here)
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.here.tag == tag, f"</{tag}> ends {self.here.tag}"
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.children.append(data)


@dataclass(frozen=True, repr=False)
class ReadPage:
    """A page and its tree."""

    html: str
    root: Element

    def section(self, name: str) -> Element:
        """A section by its id."""
        return self.root.one("section", id=name)

    def chart(self, title: str) -> Element:
        """Return the chart with this heading."""
        (result,) = (figure for figure in self.root.all("figure") if _heading(figure) == title)
        return result

    def titles(self) -> list[str]:
        """Return the headings of all large charts."""
        figures = self.root.all("figure", class_="chart")
        return [_heading(figure) for figure in figures if "small" not in figure.attributes["class"]]

    def spec(self, title: str) -> dict[str, Any]:
        """The Vega-Lite spec of a chart."""
        script = self.chart(title).one("script", class_="chart-spec")
        return json.loads(script.content(), parse_constant=pytest.fail)


def _heading(figure: Element) -> str:
    return figure.all("h3", "h4")[0].text


def read_page(html: str) -> ReadPage:
    """Parse a page; fail if its tags do not match."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.here is reader.root, f"{reader.here.tag} has no end"
    return ReadPage(html, reader.root)


@pytest.fixture(scope="session")
def page_with() -> Callable[..., ReadPage]:
    """Make the page of run folders, with a registry's plugins, and parse it."""

    def make(registry: declnet.Registry, *folders: Path) -> ReadPage:
        from declnet_plugins.report.page.assembling import assemble
        from declnet_plugins.report.page.rendering import render

        runs = [declnet.open_run(folder, registry) for folder in folders]
        return read_page(render(assemble(runs, registry)))

    return make


@pytest.fixture(scope="session")
def page_of(page_with: Callable[..., ReadPage]) -> Callable[..., ReadPage]:
    """Make the page of run folders and parse it."""
    return partial(page_with, declnet.default_registry())


Layers = list[Any]
CLASSIFIER: Layers = [
    {"type": "dense", "units": 8},
    "tanh",
    {"type": "dense", "units": 3},
    "softmax",
]


@dataclass(frozen=True)
class Runs:
    """Makes run folders of small specs."""

    folder: Path

    def run(
        self,
        name: str,
        x: np.ndarray,
        y: np.ndarray,
        layers: Layers,
        loss: Any,
        calibration: Sequence[Any] = (),
        **training: Any,
    ) -> Path:
        """Train a spec on arrays, kept in `<name>.npz`; return the run's folder."""
        np.savez(self.folder / f"{name}.npz", x=x, y=y)
        source = {"type": "npz", "path": str(self.folder / f"{name}.npz")}
        spec = declnet.parse_spec(
            {
                "declnet": 1,
                "name": name,
                "data": {"train": source, "validation": 0.2, "test": source},
                "model": {"layers": layers},
                "loss": loss,
                "optimizer": {"type": "adam", "learning_rate": 0.02},
                "training": {"epochs": 30, **training},
                **({"calibration": {"steps": calibration}} if calibration else {}),
            }
        )
        declnet.run(spec, out=self.folder / name)
        return self.folder / name

    def classifier(self, name: str = "spots", **training: Any) -> Path:
        """Three spots in the plane."""
        rng = np.random.default_rng(3)
        y = np.arange(90) % 3
        corners = np.array([[0.0, 1.5], [1.5, -1.0], [-1.5, -1.0]])
        x = corners[y] + rng.normal(0, 0.7, (90, 2))
        options = {"metrics": ["accuracy"], **training}
        return self.run(name, x, y, CLASSIFIER, "categorical_crossentropy", **options)

    def regression(
        self, name: str = "line", inputs: int = 1, outputs: int = 1, **options: Any
    ) -> Path:
        """A smooth function of one input or several."""
        rng = np.random.default_rng(4)
        x = rng.uniform(-1, 1, (80, inputs))
        y = np.stack([np.sin(2 * x.sum(axis=1) + shift) for shift in range(outputs)], axis=1)
        layers: Layers = [
            {"type": "dense", "units": 8},
            "tanh",
            {"type": "dense", "units": outputs},
        ]
        return self.run(name, x, y, layers, "mean_squared_error", metrics=["r2"], **options)

    def binary(self, name: str = "halves", outputs: int = 1) -> Path:
        """Yes or no, by one output or several."""
        rng = np.random.default_rng(5)
        x = rng.normal(0, 1, (80, 4))
        y = (x[:, :outputs] + rng.normal(0, 0.5, (80, outputs)) > 0).astype(int)
        layers: Layers = [{"type": "dense", "units": outputs}, "sigmoid"]
        return self.run(name, x, y, layers, "binary_crossentropy", metrics=["binary_accuracy"])


@pytest.fixture(scope="session")
def shared_runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Make runs that tests share and do not change."""
    return Runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """Make runs for a single test."""
    return Runs(tmp_path)


@pytest.fixture(scope="session")
def classifier(shared_runs: Runs) -> Path:
    return shared_runs.classifier()


@pytest.fixture(scope="session")
def other_classifier(shared_runs: Runs) -> Path:
    return shared_runs.classifier("spots_again", epochs=20, batch_size=16)


@pytest.fixture(scope="session")
def regression(shared_runs: Runs) -> Path:
    return shared_runs.regression()


@pytest.fixture(scope="session")
def classifier_page(page_of: Callable[..., ReadPage], classifier: Path) -> ReadPage:
    return page_of(classifier)


@pytest.fixture(scope="session")
def regression_page(page_of: Callable[..., ReadPage], regression: Path) -> ReadPage:
    return page_of(regression)


@pytest.fixture(scope="session")
def comparison_page(
    page_of: Callable[..., ReadPage], classifier: Path, other_classifier: Path
) -> ReadPage:
    return page_of(classifier, other_classifier)


@pytest.fixture(params=["classifier", "regression", "comparison"])
def page(request: pytest.FixtureRequest) -> ReadPage:
    """Each kind of page in turn."""
    return request.getfixturevalue(f"{request.param}_page")


@pytest.fixture
def hostile(runs: Runs) -> Path:
    """A run in which every text from a third party tries to run a script."""
    attack = "</script><script>window.hacked = 1</script><img src=x onerror=window.hacked=1>\"'"
    folder = runs.classifier("innocent", epochs=2)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest |= {"name": attack, "status": "failed", "error": attack, "engine": {attack: attack}}
    manifest |= {"stopped": attack, "started": attack, "platform": attack, "warnings": [attack]}
    del manifest["files"]
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    metrics = {attack: {attack: 1.0}, "test": {attack: 0.5}}
    (folder / "metrics.json").write_text(json.dumps(metrics), "utf-8")
    rows = [{"epoch": epoch, "loss": 1.0 / (epoch + 1), attack: 1.0} for epoch in range(5)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "history.jsonl").write_text(lines, "utf-8")
    spec = (folder / "spec.toml").read_text("utf-8")
    (folder / "spec.toml").write_text(f"# {attack}\n{spec}", "utf-8")
    named = folder.with_name("<b>bold<b>")
    folder.rename(named)
    return named
