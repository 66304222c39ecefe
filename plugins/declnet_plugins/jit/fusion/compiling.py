"""The object code of patterns, by LLVM alone."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

import llvmlite.binding as llvm

from declnet_plugins.jit.fusion.loops import code_of
from declnet_plugins.jit.fusion.patterns import Pattern
from declnet_plugins.jit.routines import elementary_functions
from declnet_plugins.jit.routines.object_code import address_of_code, target_machine
from declnet_plugins.jit.routines.vectors import host_features


def address_of_pattern(pattern: Pattern) -> int:
    """Return the address of a pattern's function, compiled unless the cache has it."""
    width = _width()
    described = _source(), width, pattern
    return address_of_code(
        "fused", described, lambda: object_code(pattern, width, target_machine())
    )


@cache
def _width() -> int:
    """Return the bytes of this processor's vectors."""
    features = host_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


def object_code(pattern: Pattern, width: int, machine: llvm.TargetMachine) -> bytes:
    """Return the object code of a pattern's function for a machine.

    Args:
        width: bytes of its vectors.
    """
    code: bytes = machine.emit_object(optimized(pattern, width, machine))
    return code


def optimized(pattern: Pattern, width: int, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    """Return LLVM's optimized module of a pattern's function for a machine."""
    module = llvm.parse_assembly(code_of(pattern, width))
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module


@cache
def _source() -> str:
    """Return a hash of the modules that make the code."""
    folder = Path(__file__).parent
    files = [*sorted(folder.glob("*.py")), Path(elementary_functions.__file__)]
    content = b"".join(file.read_bytes() for file in files)
    return sha256(content).hexdigest()
