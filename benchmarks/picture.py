"""Draw the pictures of speed: `python benchmarks/picture.py [GROWTH.json]`.

Draws speed.png from the table on docs/explanation/speed.md, and growth.png from the results of
`growth.py`, in the folder `--folder`.
"""

import argparse
import json
import sys
from pathlib import Path

from pictures.growth import draw_growth
from pictures.speed import draw_speed

DOCS = Path(__file__).parents[1] / "docs"


def main() -> int:
    """Draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("growth", nargs="?", type=Path, metavar="GROWTH.json")
    parser.add_argument("--folder", type=Path, default=DOCS / "images", help="default: docs/images")
    arguments = parser.parse_args()
    page = (DOCS / "explanation" / "speed.md").read_text(encoding="utf-8")
    draw_speed(page, arguments.folder / "speed.png")
    print(arguments.folder / "speed.png")
    if arguments.growth:
        results = json.loads(arguments.growth.read_text(encoding="utf-8"))
        draw_growth(results, arguments.folder / "growth.png")
        print(arguments.folder / "growth.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
