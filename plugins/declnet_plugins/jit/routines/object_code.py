"""Object code of routines: compiled once on a machine, cached, and loaded through LLVM.

Numba is imported only to compile. The cache holds a file for each routine and signature, in the
folder `DECLNET_CACHE_DIR` or the user's cache folder, until it has not been used for `DAYS` days.
Only files that no other user can change are loaded, see `declnet.cache`.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from itertools import count
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from declnet import ForkSafeLock, open_private, private_cache_folder, write_atomically
from declnet_plugins.jit.routines.references import codes_in, referenced
from declnet_plugins.jit.routines.routine import ArgumentType
from declnet_plugins.jit.routines.settings import settings

ENTRY = "declnet_call"
"""The name of the function void(const int64_t *block) in each object file."""

DAYS = 90
"""Days after which a file of the cache is deleted unless a process has loaded it."""

_FILE = re.compile(r"\.?.+-[0-9a-f]{32}\.o(\.\d+)?")
"""Names of the cache's files, and of temporary ones that a killed process left."""

_lock = ForkSafeLock()
"""Held while LLVM or Numba works, so that the child of a fork finds them idle."""

_loaded: dict[str, llvm.ResourceTracker] = {}
"""The libraries of this process by key; their code stays in memory until it ends."""
_numbers = count()
_announced: list[str] = []


def address_of(
    function: Callable[..., None], signature: tuple[ArgumentType, ...], rounding: tuple[str, ...]
) -> int:
    """Return the address of a routine's function void(const int64_t *block) for a signature."""

    def compile_() -> bytes:
        from declnet_plugins.jit.routines.compiler import compile_routine

        code: bytes = compile_routine(function, signature, rounding)
        return code

    described = version("numba"), settings(), signature, rounding, *fingerprint(function)
    return address_of_code(function.__name__, described, compile_)


def address_of_code(name: str, described: object, compile_: Callable[[], bytes]) -> int:
    """Return the address of a function void(const int64_t *block) in object code.

    It is taken from this process, the cache or the compiler. A damaged file of the cache is
    replaced; if the cache's folder cannot be written, or another user can change it, each process
    compiles.

    Args:
        name: the beginning of the name of its file in the cache.
        described: all that the code depends on, besides the machine.
        compile_: returns the object code.
    """
    key = sha256(repr((_environment(), described)).encode()).hexdigest()
    with _lock:
        if key not in _loaded:
            file = f"{name}-{key[:32]}.o"
            _loaded[key] = _cached(file, key) or _compiled(file, key, compile_)
        address: int = _loaded[key][ENTRY]
    return address


def _cached(name: str, key: str) -> llvm.ResourceTracker | None:
    """Return a library from the cache; None if it has none, or a damaged one."""
    try:
        file = private_cache_folder() / name
        with open_private(file) as opened:
            content = opened.read()
    except PermissionError as error:
        _announce(f"compiling kernels in memory, without the cache: {error}")
        return None
    except OSError:
        return None
    with suppress(OSError):  # a cache that may only be read
        os.utime(file)
    code = content[_SUM:]
    if content[:_SUM] != _checksum(key, code):
        return None
    try:
        return _linked(code)
    except RuntimeError:  # e.g. a library of mathematical functions that is no longer installed
        return None


def _compiled(name: str, key: str, compile_: Callable[[], bytes]) -> llvm.ResourceTracker:
    """Compile, cache the object code if possible, and return its library."""
    _announce("compiling kernels, once on this machine (a few seconds)")
    code = compile_()
    library = _linked(code)
    try:
        folder = private_cache_folder(create=True)
        write_atomically(folder / name, _checksum(key, code) + code, 0o600)
        _delete_unused(folder)
    except OSError:
        pass  # each process compiles
    return library


def _announce(what: str) -> None:
    """Say on standard error that this process compiles, once."""
    if not _announced:
        _announced.append(what)
        sys.stderr.write(f"declnet: {what}\n")


def _delete_unused(folder: Path) -> None:
    """Delete the cache's files that no process has written or loaded for `DAYS` days.

    Another process may do the same, or read a file that is deleted: it has its content, or compiles
    it again.
    """
    oldest = time.time() - DAYS * 24 * 60 * 60
    for path in folder.iterdir():
        with suppress(OSError):
            if _FILE.fullmatch(path.name) and path.stat().st_mtime < oldest:
                path.unlink()


def _linked(code: bytes) -> llvm.ResourceTracker:
    """Return a library of object code; raise RuntimeError if it names unknown symbols."""
    builder = llvm.JITLibraryBuilder().add_current_process().add_object_img(code)
    return builder.export_symbol(ENTRY).link(_linker(), f"declnet_{next(_numbers)}")


@cache
def _linker() -> llvm.LLJIT:
    # LLVM's newer linker keeps the parts of a library close to each other in memory, as code for
    # ARM needs; it does not fully support Windows
    return llvm.create_lljit_compiler(
        target_machine(), use_jit_link=os.name != "nt", suppress_errors=True
    )


def target_machine() -> llvm.TargetMachine:
    """Return the machine to generate code for: this one."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    model: dict[str, Any] = {"codemodel": "jitdefault", "jit": True}
    if os.name != "nt":
        model = {"codemodel": "small", "reloc": "pic"}
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=_cpu_features(), opt=3, **model
    )


def _cpu_features() -> str:
    return str(llvm.get_host_cpu_features().flatten())


@cache
def _environment() -> tuple[object, ...]:
    """Return what object code depends on, apart from its source."""
    compiler = sys.implementation.cache_tag, llvmlite.__version__, np.__version__
    return *compiler, llvm.get_process_triple(), llvm.get_host_cpu_name(), _cpu_features()


_SUM = 32


def _checksum(key: str, code: bytes) -> bytes:
    return sha256(key.encode() + code).digest()


def fingerprint(function: Any, seen: dict[object, int] | None = None) -> Iterator[object]:
    """Yield what a function computes: its code, its constants, the functions and classes it names.

    Two functions with equal fingerprints compile to the same code; comments and line numbers do not
    count.

    Args:
        function: a function, or what wraps one.
        seen: what has been described before, with its number.

    Raises:
        TypeError: a function names an object that no cache can know again.
    """
    function, seen = getattr(function, "__wrapped__", function), {} if seen is None else seen
    yield function.__qualname__
    if function in seen:
        yield seen[function]
        return
    seen[function] = len(seen)
    yield from (function.__defaults__, function.__kwdefaults__)
    for code in codes_in(function.__code__):
        constants = [const for const in code.co_consts if not isinstance(const, CodeType)]
        yield from (code.co_code.hex(), code.co_names, code.co_varnames, constants)
        yield code.co_exceptiontable.hex()
    for name, value in referenced(function).items():
        yield name
        yield from _describe(value, seen)


def _describe(value: Any, seen: dict[object, int]) -> Iterator[object]:
    """Yield a description of a value that a function names."""
    yield type(value).__qualname__
    if isinstance(getattr(value, "__wrapped__", value), FunctionType):
        # of a routine, and of a function that Numba's own decorator compiles
        options = getattr(value, "targetoptions", {})
        yield getattr(value, "rounding", None), getattr(value, "inlined", None)
        yield [
            (key, sorted(option) if isinstance(option, set) else option)
            for key, option in options.items()
        ]
        yield from fingerprint(value, seen)
    elif isinstance(value, type):
        yield repr(value)
        for member in vars(value).values():  # methods, other than generated ones
            if isinstance(member, FunctionType) and not member.__code__.co_filename.startswith("<"):
                yield from fingerprint(member, seen)
    elif isinstance(value, np.ndarray):
        yield from (value.dtype.str, value.shape, value.tobytes().hex())
    elif isinstance(value, tuple):
        for item in value:
            yield from _describe(item, seen)
    elif isinstance(value, ModuleType):
        yield value.__name__
    elif " at 0x" in (text := repr(value)):  # its place in memory: another one in each process
        raise TypeError(f"a routine cannot name {text}: only functions, numbers, arrays and types")
    else:
        yield text
