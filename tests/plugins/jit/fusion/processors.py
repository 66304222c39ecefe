"""Compile patterns for other processors whose code this one can run."""

from __future__ import annotations

from functools import cache
from typing import Any

import llvmlite.binding as llvm
import pytest

from declnet_plugins.jit.fusion.compiling import object_code
from declnet_plugins.jit.fusion.patterns import Pattern
from declnet_plugins.jit.routines.object_code import ENTRY, target_machine
from declnet_plugins.jit.routines.vectors import host_features

PROCESSORS = {"x86-64": (16, None, "xmm"), "haswell": (32, "avx2", "ymm")}
"""The width of the vectors in bytes, the feature that this processor needs, and the registers."""


def is_available(processor: str) -> bool:
    """Return whether this processor runs code for another one."""
    feature = PROCESSORS[processor][1]
    is_related = llvm.get_process_triple().split("-")[0] == "x86_64"
    return is_related and (feature is None or bool(host_features().get(feature)))


def machine_for(processor: str) -> tuple[llvm.TargetMachine, int]:
    """Return a machine and the width of its vectors; skip the test if this one differs."""
    if not is_available(processor):
        pytest.skip(f"this processor does not run code for {processor}")
    target_machine()  # initializes LLVM
    target = llvm.Target.from_triple(llvm.get_process_triple())
    options: Any = {"codemodel": "small", "reloc": "pic", "opt": 3}
    return target.create_target_machine(cpu=processor, **options), PROCESSORS[processor][0]


_loaded: list[object] = []


@cache
def address_on(processor: str, pattern: Pattern) -> int:
    """Return the address of a pattern's function, compiled for a processor."""
    machine, width = machine_for(processor)
    code = object_code(pattern, width, machine)
    library = llvm.JITLibraryBuilder().add_current_process().add_object_img(code)
    linker = llvm.create_lljit_compiler(target_machine(), use_jit_link=True)
    tracker = library.export_symbol(ENTRY).link(linker, "tested")
    _loaded.append((tracker, linker))
    address: int = tracker[ENTRY]
    return address
