"""Make docs/images/report.png: parts of the page that `declnet report` writes for the spiral's run.

Needs Chromium and `pip install --group browser pillow '.[report]'`. Run it from the repository
root.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

import declnet
from declnet_plugins.report.page.assembling import assemble
from declnet_plugins.report.page.rendering import render

WIDTH, HEIGHT = 980, 1180
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Train, make the page, and join its top with its predictions in dark mode."""
    folder = Path(tempfile.mkdtemp())
    source = 'train = { type = "nnfs_spiral", samples = 1000, classes = 3 }'
    text = Path("specs/spiral_adam.toml").read_text("utf-8").replace("10001", "3001")
    spec = folder / "spiral_adam.toml"
    spec.write_text(text.replace(source, f"{source}\nvalidation = 0.2"), "utf-8")
    declnet.run(declnet.load_spec(spec, {"training.log_every": 10}), out=folder / "run")
    page = folder / "report.html"
    content = assemble([declnet.open_run(folder / "run")], declnet.default_registry())
    page.write_text(render(content), "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        light = picture(browser, page, "light", "overview")
        dark = picture(browser, page, "dark", "predictions")
    both = Image.new("RGB", (2 * WIDTH, HEIGHT))
    both.paste(light, (0, 0))
    both.paste(dark, (WIDTH, 0))
    small = both.resize((1568, 1568 * HEIGHT // (2 * WIDTH)), Image.Resampling.LANCZOS)
    few = small.quantize(256, kmeans=3, dither=Image.Dither.NONE)
    few.save("docs/images/report.png", optimize=True)


def picture(browser: Browser, page: Path, scheme: str, section: str) -> Image.Image:
    """Return a screenshot of the window, scrolled to a section."""
    view = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
    view.goto(page.as_uri())
    view.wait_for_selector("html[data-drawn]")
    if section != "overview":
        view.evaluate(f"document.getElementById('{section}').scrollIntoView()")
    view.wait_for_timeout(300)
    return Image.open(io.BytesIO(view.screenshot()))


if __name__ == "__main__":
    main()
