"""A transcript: command lines, each followed by its output.

    # needs: numba
    $ declnet run two_heads.toml --quiet
    | 0.03 s, runs/two_heads-1
    $ describe runs/two_heads-1
    | weights.safetensors: …

Lines of standard output begin with `|`, lines of standard error with `!`, and `= 2` is an exit code
other than 0. Three commands are not declnet's: `describe` shows a run's folder, `weights` its
weights and metrics, and `print` a file. Machine-dependent text is masked (`masking.py`).
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.corpus.describing import describe, first_lines, results
from tests.corpus.masking import mask
from tests.gallery.data_files import write_data_files

CORPUS = Path(__file__).parent
SHIPPED = CORPUS.parent.parent / "specs"

COMMAND = "$ "
NEEDS = "# needs: "
WITHOUT_DATA = shutil.ignore_patterns("spec.schema.json", "shapes", "*.py")


@dataclass(frozen=True)
class Output:
    """The output of a command, and its exit code."""

    code: int
    out: str
    err: str


Runner = Callable[[list[str], Path], Output]
"""A function that runs `declnet` with these arguments in a folder."""


@dataclass(frozen=True)
class Transcript:
    """A transcript of the corpus."""

    path: Path

    @property
    def name(self) -> str:
        """Its name on the command line."""
        return self.path.stem

    @property
    def text(self) -> str:
        """The text as recorded."""
        return self.path.read_text("utf-8")

    @property
    def needs(self) -> list[str]:
        """The modules of extras that the commands need."""
        lines = (line for line in self.text.splitlines() if line.startswith(NEEDS))
        return [name for line in lines for name in line.removeprefix(NEEDS).split(", ")]

    @property
    def missing(self) -> str | None:
        """A needed module that is not installed; None if all are."""
        return next((module for module in self.needs if find_spec(module) is None), None)

    def replay(self, folder: Path, runner: Runner) -> str:
        """Run the commands in a new folder and return the resulting transcript."""
        prepare(folder, self.text)
        lines: list[str] = []
        for line in self.text.splitlines():
            if line.startswith("#"):
                lines.append(line)
            elif line.startswith(COMMAND):
                lines += [line, *_replayed(line.removeprefix(COMMAND), folder, runner)]
        return "".join(f"{line}\n" for line in lines)


def transcripts() -> list[Transcript]:
    """Return the transcripts of the corpus, by name."""
    return [Transcript(path) for path in sorted((CORPUS / "transcripts").glob("*.txt"))]


def prepare(folder: Path, text: str) -> None:
    """Copy the specs named by commands into a folder, with their data files."""
    shutil.copytree(CORPUS / "specs", folder, dirs_exist_ok=True)
    commands = [line for line in text.splitlines() if line.startswith(COMMAND)]
    words = {word for command in commands for word in command.split()}
    if any(word.startswith("specs/") for word in words):
        shutil.copytree(SHIPPED, folder / "specs", ignore=WITHOUT_DATA)
    specs = [folder / word for word in words if word.endswith(".toml")]
    texts = [spec.read_text("utf-8") for spec in specs if spec.is_file()]
    bases = [base for content in texts for base in re.findall(r'extends = "(.*)"', content)]
    texts += [(folder / base).read_text("utf-8") for base in bases if (folder / base).is_file()]
    write_data_files(folder, "\n".join([*texts, *(f'"{word}"' for word in words)]))


SHOWN: dict[str, Callable[[Path], Iterable[str]]] = {
    "describe": describe,
    "weights": results,
    "print": first_lines,
}


def _replayed(command: str, folder: Path, runner: Runner) -> Iterator[str]:
    name, *arguments = shlex.split(command)
    if name in SHOWN:
        path = folder / arguments[0]
        lines = SHOWN[name](path) if path.exists() else ["nothing is there"]
        yield from (f"| {mask(line, folder)}".rstrip() for line in lines)
        return
    output = runner([name, *arguments], folder)
    yield from (f"| {line}".rstrip() for line in mask(output.out, folder).split("\n")[:-1])
    yield from (f"! {line}".rstrip() for line in mask(output.err, folder).split("\n")[:-1])
    if output.code:
        yield f"= {output.code}"
