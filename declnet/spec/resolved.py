"""Writes a spec out in full: every default filled in, every path absolute."""

from __future__ import annotations

from typing import Any

import tomli_w

from declnet.spec.run_spec import RunSpec


def resolved_document(spec: RunSpec) -> dict[str, Any]:
    """The spec as plain tables; keys without a value (None) are left out, as TOML has no null."""
    return spec.model_dump(mode="json", exclude_none=True)


def resolved_toml(spec: RunSpec) -> str:
    """The spec as TOML text that gives the same `RunSpec` again."""
    return tomli_w.dumps(resolved_document(spec))
