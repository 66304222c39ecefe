"""How the graph is computed: the section `[engine]`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from declnet.components.declared import StrictModel

KernelChoice = Literal["auto", "numpy", "jit"]


class EngineSpec(StrictModel):
    """What computes: it changes how fast a run is, and its results by no more than rounding."""

    kernels: KernelChoice = Field(
        default="auto",
        description="numpy: the components' own code; jit: compiled kernels in place of those that "
        "have one; auto: jit where it is installed and the run is long enough to gain by it",
    )
