"""Numba's settings: those that change the code it makes, and whether it compiles at all.

They are read without importing Numba, which takes half a second: from the environment, from the
file that Numba reads in the working directory, and, where a program has imported it, from there.
"""

import os
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

FILE = ".numba_config.yaml"

HARMLESS = {
    *("CACHE_DIR", "CACHE_LOCATOR_CLASSES", "COLOR_SCHEME", "DEVELOPER_MODE", "FULL_TRACEBACKS"),
    *("DISABLE_JIT", "DISABLE_PERFORMANCE_WARNINGS", "FUNCTION_CACHE_SIZE", "SHOW_HELP"),
    *("NUM_THREADS", "THREADING_LAYER", "THREADING_LAYER_PRIORITY"),
}
"""Settings that do not change code; any other, also of a later version, may."""

DEFAULTS = dict.fromkeys(("BOUNDSCHECK", "CPU_FEATURES", "CPU_NAME")) | {
    "EXTEND_VARIABLE_LIFETIMES": 0,
    "LOOP_VECTORIZE": 1,
    "OPT": 3,
    "SLP_VECTORIZE": 0,
}
"""What a program may have changed in `numba.config`, as it is on every machine."""


def settings() -> dict[str, str]:
    """Return the settings that may change the code that Numba makes; empty for its defaults."""
    names = (name for name in os.environ if name.startswith("NUMBA_"))
    changed = {name: os.environ[name] for name in names if name[6:] not in HARMLESS}
    with suppress(OSError):
        changed[FILE] = sha256(Path(FILE).read_bytes()).hexdigest()
    config = sys.modules.get("numba.core.config")
    if config is not None and FILE not in changed:
        for name in DEFAULTS.keys() - {name[6:] for name in changed}:
            value = getattr(config, name, DEFAULTS[name])
            if value != DEFAULTS[name]:
                changed[f"numba.config.{name}"] = repr(value)
    return dict(sorted(changed.items()))


def disabled() -> str | None:
    """Return why Numba compiles nothing, and what to do; None if it compiles."""
    if Path(FILE).is_file():
        import numba.core.config  # noqa: F401  # reads the file
    config = sys.modules.get("numba.core.config")
    by_program = config is not None and config.DISABLE_JIT
    if by_program or os.environ.get("NUMBA_DISABLE_JIT", "0").strip() not in ("", "0"):
        return "NUMBA_DISABLE_JIT disables Numba's compiler: unset it"
    return None
