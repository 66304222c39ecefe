"""Imports of the kernels without their compiler."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import declnet_plugins.jit
import declnet_plugins.kernels

WITHOUT_COMPILER = """
import sys
sys.modules["numba"] = sys.modules["llvmlite"] = None
import declnet_plugins.jit
from declnet import default_registry
for name in {names!r}:
    getattr(declnet_plugins.jit, name)
kernels = [kernel.component for kernel in default_registry().entries("kernel")]
kernels = [kernel for kernel in kernels if kernel.__module__.startswith("declnet_plugins.kernels")]
compiled = [kernel for kernel in kernels if kernel.compiled]
print(len(compiled), *{{kernel.unavailable() for kernel in compiled}})
"""


def names_from_the_engine() -> set[str]:
    files = Path(declnet_plugins.kernels.__file__).parent.glob("*.py")
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    return {
        name.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == "declnet_plugins.jit"
        for name in node.names
    }


def test_kernels_and_the_names_for_them_are_imported_without_numba_and_llvmlite():
    names = sorted(names_from_the_engine())
    assert {"CompiledKernel", "Routine", "product"} <= set(names)
    code = WITHOUT_COMPILER.format(names=names)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kernels = ", ".join(declnet_plugins.kernels.KERNELS.values()).split(", ")
    assert done.stdout == f"{len(kernels)} numba is not installed: pip install 'declnet[jit]'\n"
