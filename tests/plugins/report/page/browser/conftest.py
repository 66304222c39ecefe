"""Pages in a real Chromium without a window, each opened from its file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from declnet import ResultTable, TableChart
from declnet.testing.examples import registry_with
from declnet_plugins.report import ReportPanel

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = (1280, 900), (360, 740)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs all tests of a file, so that no more than two browsers start."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group(f"browser {item.path.stem}"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, with a temporary profile.

    Playwright's event loop runs as long as this does; tests of other files may run their own.
    """
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: run nox -s long"
    )
    path = next((result for name in BROWSERS if (result := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page in the browser, and the events while it was open.

    Attributes:
        page: Playwright's page.
        requests: the URLs that the page requested, without data URLs.
        messages: console messages and uncaught errors.
    """

    page: Any
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def width(self) -> int:
        """Return the width of the page, larger than the window's if it scrolls sideways."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def ground(self) -> str:
        """Return the page's background color."""
        return str(self.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    def open_all(self) -> None:
        """Open everything that can be opened."""
        self.page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        self.page.wait_for_timeout(150)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until a condition holds; the page's policy blocks Playwright's own function."""
        for _ in range(200):
            if holds():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("the condition did not become true within 10 seconds")

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    """Open HTML from a file and wait until all charts are drawn."""
    contexts = []

    def open_(html: str, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> Opened:
        path = tmp_path / "report.html"
        path.write_text(html, "utf-8")
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=viewport, color_scheme=scheme, offline=True)
        contexts.append(context)
        opened = Opened(context.new_page())
        page = opened.page
        page.on("console", lambda message: opened.messages.append(message.text))
        page.on("pageerror", lambda error: opened.messages.append(str(error)))
        page.on("dialog", lambda dialog: opened.messages.append(dialog.message))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith("data:") else opened.requests.append(request.url)
            ),
        )
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-drawn]", timeout=60_000)
        return opened

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Return the folder for screenshots, DECLNET_SCREENSHOTS, for manual inspection."""
    folder = Path(os.environ.get("DECLNET_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Wide(ReportPanel):
    """A panel of a third party: a table of 40 columns, a chart, and a picture without colors."""

    type = "wide"

    def tables(self, run):
        names = tuple(f"column_{number}" for number in range(40))
        rows = tuple(tuple(1e-9 * 7 ** (row + at) for at in range(40)) for row in range(30))
        steps = tuple((step, 1e5 if step < 2 else 1 + 1 / step) for step in range(60))
        chart = TableChart("lines", "step", ("rate",), axis="auto")
        wide = ResultTable("Wide", names, rows, kinds=dict.fromkeys(names, "number"))
        return ResultTable("Rate", ("step", "rate"), steps, chart=chart), wide

    def render(self, run):
        long = "a_name_without_spaces_" * 20
        picture = (
            '<svg width="3000" height="40" viewBox="0 0 3000 40"><text y="20">text</text></svg>'
        )
        return f"<p>{long}</p>{picture}<table><tr><td>{long}</td><td>1</td></tr></table>"


@pytest.fixture(scope="session")
def panel_page(page_with: Callable[..., Any], classifier: Path) -> Any:
    return page_with(registry_with([Wide]), classifier)
