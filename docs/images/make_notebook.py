"""Make docs/images/notebook.png: what cells show, in a light and in a dark theme.

Needs Chromium. Run it from the repository root.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import declnet

BROKEN = """\
declnet = 1
loss = "categorical_crossentropy"
optimizer = { type = "adma", learning_rate = 0.02 }

[data]
train = { type = "nnfs_spiral", samples = 100, classes = 3 }

[model]
layers = [{ type = "dense", unit = 64 }, "relu"]

[training]
epochs = 1e4
"""
COLORS = {"light": ("#fff", "#111"), "dark": ("#111", "#ddd")}


def main() -> None:
    """Train, write the views into a page, and take its picture."""
    folder = Path(tempfile.mkdtemp())
    changes = {"training.epochs": 1001, "data.validation": 0.2, "data.train.samples": 200}
    spec = declnet.load_spec("specs/spiral_adam.toml", changes)
    result = declnet.run(spec, out=folder / "spiral_adam-1")
    broken = folder / "spiral.toml"
    broken.write_text(BROKEN, "utf-8")
    try:
        declnet.load_spec(broken)
    except declnet.SpecError as error:
        problems = error
    stored = declnet.open_run(folder / "spiral_adam-1")
    predictions = result.predict(stored.data("test").dataset.x)
    columns = {
        "light": [result, predictions],
        "dark": [stored.analyze("importance"), spec, problems],
    }
    parts = [
        f'<div style="background:{COLORS[theme][0]};color:{COLORS[theme][1]}">'
        + "<hr>".join(value._repr_html_() for value in shown).replace(f"{folder}/", "")
        + "</div>"
        for theme, shown in columns.items()
    ]
    style = "body{margin:0;display:flex;font:13px sans-serif}body>div{flex:1;padding:14px}"
    page = folder / "page.html"
    page.write_text(
        f"<!doctype html><meta charset='utf-8'><style>{style}</style>{''.join(parts)}", "utf-8"
    )
    browser = shutil.which("chromium") or "chromium"
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--window-size=1200,700",
    ]
    picture = f"--screenshot={Path('docs/images/notebook.png').resolve()}"
    command = [browser, *options, "--window-size=1200,700", picture, page.as_uri()]
    subprocess.run(command, check=True)  # noqa: S603


if __name__ == "__main__":
    main()
