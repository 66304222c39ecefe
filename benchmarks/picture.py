"""Draw the results of the other commands: `python benchmarks/picture.py FILE.json …`.

Draws speed.png from the results of training, cold starts and inference, and growth.png from those
of growth, in the folder `--folder`.
"""

import argparse
import json
import sys
from pathlib import Path

from pictures.growth import draw_growth
from pictures.speed import draw_speed

IMAGES = Path(__file__).parents[1] / "docs" / "images"


def main() -> int:
    """Draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
    parser.add_argument("--folder", type=Path, default=IMAGES, help="default: docs/images")
    arguments = parser.parse_args()
    results = [json.loads(file.read_text(encoding="utf-8")) for file in arguments.files]
    speeds = [each for each in results if each["kind"] != "growth"]
    if speeds:
        draw_speed(speeds, arguments.folder / "speed.png")
        print(arguments.folder / "speed.png")
    for each in results:
        if each["kind"] == "growth":
            draw_growth(each, arguments.folder / "growth.png")
            print(arguments.folder / "growth.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
