"""Run all benchmarks that the docs quote: `python benchmarks/everything.py FOLDER`.

Writes each command's table (`training.txt`, …) and samples (`training.json`, …) to the folder, and
draws the pictures there. Only `--threads`, `--rounds` and `--quick` are passed on to the commands.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOM = Path(__file__).parent
COMMANDS = ("training", "cold_start", "inference", "growth")


def main() -> int:
    """Run the commands one after another; return 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=COMMANDS)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    options = ["--quick"] if arguments.quick else []
    for name in ("threads", "rounds"):
        value = getattr(arguments, name)
        options += [f"--{name}", str(value)] if value else []
    failed = [name for name in arguments.only if not run(name, arguments.folder, options)]
    growth = arguments.folder / "growth.json"
    results = [str(growth)] if growth.exists() else []
    picture = [
        sys.executable,
        str(ROOM / "picture.py"),
        *results,
        "--folder",
        str(arguments.folder),
    ]
    subprocess.run(picture, check=True)
    return 1 if failed else 0


def run(name: str, folder: Path, options: list[str]) -> bool:
    """Run one command, write its table to a file and to stdout, and return whether it succeeded."""
    command = [sys.executable, str(ROOM / f"{name}.py"), *options]
    file = folder / f"{name}.txt"
    with file.open("w", encoding="utf-8") as output:
        samples = ["--json", str(folder / f"{name}.json")]
        done = subprocess.run([*command, *samples], check=False, stdout=output)
    print(file.read_text(encoding="utf-8"), flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
