"""Run the kit on one component, in this process: `python -m tests.testing.defects layer:bounded`.

The failed checks go to the file that the second argument names, as JSON.
"""

import json
import sys
from pathlib import Path

from declnet.testing import check_component

from . import DEFECTS, name_of


def main(name, path):
    (component,) = (each for _, each in DEFECTS if name_of(each) == name)
    report = check_component(component, raise_on_failure=False)
    failed = [(each.check, each.message) for each in report.failed]
    Path(path).write_text(json.dumps(failed), encoding="utf-8")


main(*sys.argv[1:])
