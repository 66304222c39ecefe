"""The compilers that some peers need."""

import os
import re
import shutil
from pathlib import Path


def found(compiler: str) -> str:
    """Return the compiler's program, which may be versioned (clang-14), or "" if there is none."""
    wanted = os.environ.get({"c++": "CXX", "clang": "CC"}[compiler])
    for name in [wanted] if wanted else {"c++": ["c++", "g++"], "clang": ["clang"]}[compiler]:
        if shutil.which(name):
            return name
    pattern = re.compile(re.escape(compiler) + r"-\d+")
    for folder in os.get_exec_path():
        for path in sorted(Path(folder).glob(f"{compiler}-*")):
            if pattern.fullmatch(path.name):
                return path.name
    return ""
