"""Draw docs/images/terminal.svg: a spec with errors is explained, repaired and run.

Runs the commands on a pseudo-terminal and draws what they print. Run it from the repository root.
"""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 76, 50
WRONG = {"units = 64": "unit = 64", 'type = "adam"': 'type = "adma"'}
"""Lines of specs/spiral_adam.toml, and what is wrong about them in spiral.toml."""

COMMAND = ("run", "spiral.toml")

SVG = """\
<svg class="rich-terminal" viewBox="0 0 {terminal_width} {terminal_height}"
  xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{alternative}">
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, SFMono-Regular, Menlo, Consolas,
  "DejaVu Sans Mono", monospace; line-height: {line_height}px }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
<rect fill="#1b1d23" width="{terminal_width}" height="{terminal_height}" rx="8"/>
<g transform="translate(12, 12)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""

ALTERNATIVE = (
    "declnet run names two errors in a spec, each with its line and what to write instead; "
    "once repaired, the spec trains and its test accuracy is printed beside a baseline"
)


def main() -> None:
    """Run the commands and draw the picture."""
    spec = Path("specs/spiral_adam.toml").read_text("utf-8")
    wrong = spec
    for line, replacement in WRONG.items():
        wrong = wrong.replace(line, replacement, 1)
    console = Console(record=True, width=COLUMNS + 2, file=io.StringIO())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "spiral.toml")
        for text in (wrong, spec):
            file.write_text(text, "utf-8")
            console.print(Text(f"$ declnet {' '.join(COMMAND)}", style="bold"))
            console.print(Text.from_ansi(_last_state(_printed(folder))))
            console.print()
    drawing = console.export_svg(
        title="",
        code_format=SVG.replace("{alternative}", ALTERNATIVE),
        unique_id="declnet",
        font_aspect_ratio=0.61,
    )
    Path("docs/images/terminal.svg").write_text(drawing, "utf-8")


def _printed(folder: str) -> str:
    """Return what the command prints on a terminal in a folder, errors included."""
    ours, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (ROWS, COLUMNS))
    command = [sys.executable, "-m", "declnet", *COMMAND]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    with subprocess.Popen(  # noqa: S603  # our own command
        command, cwd=folder, env=environment, stdout=terminal, stderr=terminal
    ):
        os.close(terminal)
        return "".join(iter(lambda: _read(ours), ""))


def _read(terminal: int) -> str:
    """Return what has been printed, or an empty string once the command has ended."""
    try:
        return os.read(terminal, 1 << 16).decode("utf-8", "replace")
    except OSError:  # what Linux answers where others return no bytes
        return ""


def _last_state(printed: str) -> str:
    """Return the lines that stay, without the progress bar that they replace."""
    lines = [line.rpartition("\x1b[2K")[2].rstrip("\r") for line in printed.split("\n")]
    return "\n".join(line for line in lines if "epoch" not in line and "[?25" not in line).strip(
        "\n"
    )


if __name__ == "__main__":
    main()
