"""The cases of the gallery: each is a folder with a wrong spec and the output of declnet.

A folder holds

- `spec.toml`, or `spec.json`, or both with the same error; a case of a missing file has neither,
- `expected.txt` and `expected_json.txt`: the stderr of `declnet check spec.toml` (or `spec.json`)
  run in the folder,
- other specs that it extends, if any,
- `arguments.txt`, if the command has further arguments,
- `needs.txt`, if it needs modules, or is about one that must not be there (`no MODULE`),
- `installed/`, if it needs further plugins: as pip would install them in site-packages.

Data files are written when a case runs, by `data_files`. The folder's name is the title of the
case in the documentation.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .data_files import write_data_files

GALLERY = Path(__file__).parent
EXPECTED = {"spec.toml": "expected.txt", "spec.json": "expected_json.txt"}


@dataclass(frozen=True)
class Case:
    """A wrong spec in one syntax."""

    folder: Path
    spec: str

    def __str__(self) -> str:
        return f"{self.folder.name}-{self.spec.removeprefix('spec.')}"

    @property
    def expected(self) -> Path:
        """Return the file with the expected output."""
        return self.folder / EXPECTED[self.spec]

    @property
    def arguments(self) -> list[str]:
        """Return the arguments of `declnet`."""
        more = self.folder / "arguments.txt"
        words = shlex.split(more.read_text("utf-8")) if more.is_file() else []
        return ["check", self.spec, *words]

    @property
    def lacks(self) -> str | None:
        """Return why the case cannot run: a module that is missing or must be; else None."""
        needs = self.folder / "needs.txt"
        for line in needs.read_text("utf-8").splitlines() if needs.is_file() else ():
            module = line.removeprefix("no ")
            if (find_spec(module) is None) != (line != module):
                return f"it needs {line}"
        return None

    def prepared(self, folder: Path) -> Path:
        """Return a copy of the case in a folder, with the data files that it names."""
        copy = folder / self.folder.name
        shutil.copytree(self.folder, copy, ignore=shutil.ignore_patterns("expected*", "needs.txt"))
        texts = [path.read_text("utf-8", "replace") for path in copy.glob("*.*") if path.is_file()]
        write_data_files(copy, "\n".join(texts))
        return copy


def cases(names: tuple[str, ...] = ()) -> Iterator[Case]:
    """Yield all cases, or only the named ones."""
    for folder in sorted(path for path in GALLERY.iterdir() if path.is_dir()):
        if (names and folder.name not in names) or folder.name == "__pycache__":
            continue
        specs = [name for name in EXPECTED if (folder / name).is_file()]
        for spec in specs or ["spec.toml"]:
            yield Case(folder, spec)
