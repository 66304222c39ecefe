"""Make docs/images/report*.png: parts of pages that `declnet report` writes, light and dark.

`python docs/images/make_report.py [spiral series images folds]` trains a model for each, refuses a
page in which axe finds anything inaccessible, and draws two of its sections. Needs Chromium,
scikit-learn and `pip install --group browser '.[images,report]'`. Run it from the repository root.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from sklearn.datasets import load_digits, load_wine

WIDTH, HEIGHT = 980, 1180
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
IMAGES = Path(__file__).parent


class Subject(NamedTuple):
    """What a picture shows.

    Attributes:
        write: writes a spec and its data into a folder.
        picture: the file.
        sections: the sections at the top of both halves.
        options: of `declnet run`.
    """

    write: Callable[[Path], None]
    picture: str
    sections: tuple[str, str]
    options: tuple[str, ...] = ()


def spiral(folder: Path) -> None:
    """Write the spec of the spiral, with validation data."""
    source = 'train = { type = "nnfs_spiral", samples = 1000, classes = 3 }'
    text = (IMAGES.parent.parent / "specs" / "spiral_adam.toml").read_text("utf-8")
    text = text.replace("10001", "3001").replace(source, f"{source}\nvalidation = 0.2")
    (folder / "spiral.toml").write_text(text, "utf-8")


def series(folder: Path) -> None:
    """Write the sales of the tutorial on series, and the spec that `declnet new` writes."""
    rng = np.random.default_rng(0)
    months = np.arange("2010-01", "2023-08", dtype="datetime64[M]")
    at = np.arange(len(months))
    sales = np.exp(4 + at / 100 + 0.2 * np.sin(at * np.pi / 6) + rng.normal(0, 0.04, len(at)))
    rows = (f"{month},{value:.1f}\n" for month, value in zip(months, sales, strict=True))
    (folder / "sales.csv").write_text("month,sales\n" + "".join(rows), "utf-8")
    declnet("new", "sales.toml", "--data", "sales.csv", "--target", "sales", folder=folder)


def images(folder: Path) -> None:
    """Write scikit-learn's digits as files, and the spec that `declnet new` writes."""
    x, y = load_digits(return_X_y=True)
    pixels = np.round(x * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
    for number, (image, label) in enumerate(zip(pixels, y, strict=True)):
        file = folder / "digits" / str(label) / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    declnet("new", "digits.toml", "--data", "digits", folder=folder)


def folds(folder: Path) -> None:
    """Write scikit-learn's wines, and the spec of a network in five folds."""
    table = load_wine(as_frame=True).frame
    table["cultivar"] = [("Barolo", "Grignolino", "Barbera")[kind] for kind in table.pop("target")]
    table.to_csv(folder / "wine.csv", index=False)
    named = "--data", "wine.csv", "--target", "cultivar", "--preset", "mlp", "--folds", "5"
    declnet("new", "wine.toml", *named, folder=folder)


SUBJECTS = {
    "spiral": Subject(
        spiral, "report.png", ("overview", "predictions"), ("--set", "training.log_every=10")
    ),
    "series": Subject(series, "report_series.png", ("overview", "together-1")),
    "images": Subject(
        images, "report_images.png", ("overview", "panel-1"), ("--set", "training.epochs=8")
    ),
    "folds": Subject(folds, "report_folds.png", ("overview", "together-1")),
}


def declnet(*arguments: str, folder: Path) -> None:
    """Run a command of declnet in a folder."""
    command = [sys.executable, "-m", "declnet", *arguments]
    subprocess.run(command, cwd=folder, check=True)  # noqa: S603  # of this file


def main(names: list[str]) -> None:
    """Draw the subjects with these names, or all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        for name in names or SUBJECTS:
            with tempfile.TemporaryDirectory() as folder:
                draw(SUBJECTS[name], Path(folder), browser)


def draw(subject: Subject, folder: Path, browser: Browser) -> None:
    """Train a subject's model, and join two sections of its page, the second in dark mode."""
    subject.write(folder)
    (spec,) = folder.glob("*.toml")
    out = f"runs/{spec.stem}"
    declnet("run", spec.name, "--quiet", "--out", out, *subject.options, folder=folder)
    declnet("report", out, folder=folder)
    page, (first, second) = folder / out / "report.html", subject.sections
    both = Image.new("RGB", (2 * WIDTH, HEIGHT))
    both.paste(picture(browser, page, "light", first), (0, 0))
    both.paste(picture(browser, page, "dark", second), (WIDTH, 0))
    small = both.resize((1568, 1568 * HEIGHT // (2 * WIDTH)), Image.Resampling.LANCZOS)
    few = small.quantize(256, kmeans=3, dither=Image.Dither.NONE)
    few.save(IMAGES / subject.picture, optimize=True)


def picture(browser: Browser, page: Path, scheme: str, section: str) -> Image.Image:
    """Return a screenshot of the window, scrolled to a section.

    Raises:
        ValueError: axe finds something inaccessible on the page.
    """
    view = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
    view.goto(page.as_uri())
    view.wait_for_selector("html[data-drawn]")
    view.wait_for_timeout(300)
    findings = Axe().run(view)
    if findings.violations_count:
        raise ValueError(f"{page}, {scheme}: {findings.generate_report()}")
    if section != "overview":
        view.evaluate(f"document.getElementById('{section}').scrollIntoView()")
    view.wait_for_timeout(300)
    return Image.open(io.BytesIO(view.screenshot()))


if __name__ == "__main__":
    main(sys.argv[1:])
