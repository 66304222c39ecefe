"""Documents of specs for tests that build their spec."""

from __future__ import annotations

from typing import Any


def spec_document(
    layers: Any,
    loss: Any = "categorical_crossentropy",
    optimizer: Any = "adam",
    *,
    dtype: str | None = None,
    **sections: Any,
) -> dict[str, Any]:
    """Return the document of a spec, with one epoch unless `training` has `epochs`."""
    model = {"layers": layers} | ({} if dtype is None else {"dtype": dtype})
    required = {"declnet": 1, "model": model, "loss": loss, "optimizer": optimizer}
    return required | {"training": {"epochs": 1}} | sections
