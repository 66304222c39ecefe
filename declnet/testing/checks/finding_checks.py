"""What a component's own check promises: findings, whatever is known of the run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from declnet.components.context import RunContext
from declnet.errors import Diagnostic
from declnet.testing.check import check
from declnet.testing.failures import CheckFailed, calling
from declnet.testing.subjects import Subject

CODE = re.compile(r"[EW]\d{3}")


@check
def checks_an_unknown_run(subject: Subject) -> None:
    """Answers right findings, or none, even where nothing is known of the run."""
    with calling("check, for an empty RunContext,"):
        found: Any = subject.instance.check(RunContext())
        answers = list(found) if isinstance(found, Iterable) else None
    if answers is None:
        raise CheckFailed(f"check gives {found!r}; return findings, () for none, or yield them")
    for answer in answers:
        _require_right(answer, subject.instance)


def _require_right(finding: Any, component: Any) -> None:
    if not isinstance(finding, Diagnostic):
        raise CheckFailed(f"check gives {finding!r} instead of a declnet.Diagnostic")
    _require_text(finding.message, "the message")
    if finding.help is not None:
        _require_text(finding.help, "the hint")
    if not isinstance(finding.code, str) or not CODE.fullmatch(finding.code):
        raise CheckFailed(
            f"a finding has the code {finding.code!r}; it is E, for an error, or W, for a warning, "
            "and three digits, e.g. W060"
        )
    if finding.layer is not None or finding.data is not None:
        return  # its key is another table's
    fields = type(component).model_fields
    if not isinstance(finding.path, tuple) or (finding.path and finding.path[0] not in fields):
        raise CheckFailed(
            f"a finding has the key {finding.path!r}; it is () or begins with a field of the "
            f'component, as ("{next(iter(fields), "units")}",)'
        )


def _require_text(text: Any, what: str) -> None:
    if not isinstance(text, str) or not text.strip():
        raise CheckFailed(f"{what} of a finding is {text!r}; say in a sentence what the user reads")


CHECKS = (checks_an_unknown_run,)
