"""Run the kit on all components and write the table: `python -m tests.testing.defects`.

With the name of a component and a file, check only this component, in this process, and write the
failed checks to the file as JSON.
"""

import json
import sys
from pathlib import Path

from declnet.testing import check_component

from . import DEFECTS, name_of
from .found import TABLE, lines


def check(name, path):
    """Run the kit on one component, and write the failed checks to a file."""
    (component,) = (component for _, component in DEFECTS if name_of(component) == name)
    report = check_component(component, raise_on_failure=False)
    failed = [(outcome.check, outcome.message) for outcome in report.failed]
    Path(path).write_text(json.dumps(failed), encoding="utf-8")


if len(sys.argv) == 1:
    TABLE.write_text("".join(f"{line}\n" for line in lines()), encoding="utf-8")
else:
    check(*sys.argv[1:])
