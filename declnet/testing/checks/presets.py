"""Checks on presets: their documents are parts of valid specs, and the same each time."""

from __future__ import annotations

import json
from collections.abc import Mapping

from declnet import Preset, SpecError, literal_value, parse_spec
from declnet.testing.another_process import require_same_in_another_process
from declnet.testing.checking import CheckFailed, Subject, called, check, checks_in, require

MISSING = "E011"
"""The code of a missing key; the spec that extends the preset may have sections and data."""

SAME = "compute it from the fields only, and use no hash of a text and no set's order"


@check
def is_part_of_a_valid_spec(subject: Subject) -> None:
    """Returns a document that a spec can extend; whole sections may be missing from it."""
    preset: Preset = subject.instance
    called(subject, Preset.document)
    fields = preset.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    fields.pop("type", None)
    extends = {"declnet": 1, "extends": f"preset:{preset.type}", "preset": literal_value(fields)}
    try:
        parse_spec(extends, subject.registry)
    except SpecError as error:
        wrong = [
            problem
            for problem in error.problems
            if problem.code != MISSING or (len(problem.path) > 1 and problem.path[0] != "data")
        ]
        if wrong:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            message = f"a spec that extends it is not valid: {wrong[0]}{more}"
            raise CheckFailed(message) from None


@check
def returns_the_same_document_again(subject: Subject) -> None:
    """Returns the same document for the same fields, also in another process."""
    again = documents(subject) == documents(subject)
    require(again, f"returns another document when it is called again; {SAME}")
    require_same_in_another_process(subject, documents, SAME)


def documents(subject: Subject) -> Mapping[str, str]:
    """Return the parts of a preset's document, as text."""
    document = called(subject, Preset.document)
    return {key: json.dumps(value, sort_keys=True) for key, value in document.items()}


CHECKS = checks_in(globals())
