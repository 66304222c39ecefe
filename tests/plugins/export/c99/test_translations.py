"""Components in C99, many compiled in one file, compared with the components in Python."""

from __future__ import annotations

import pytest

from declnet_plugins.export.c99.compiled import CompiledProgram, compiler, loaded_library
from declnet_plugins.export.c99.exporter import C99

from ..cases import exported, trials
from .test_models import STRICT

pytestmark = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")

FILES = 8


@pytest.mark.parametrize("part", range(FILES))
def test_files_compute_what_components_do(part, tmp_path):
    components, faults = exported("c")[part::FILES], list[str]()
    those = [trial for component in components for trial in trials("c", component)]
    for number, trial in enumerate(those):
        C99(prefix=f"case_{number}").export(trial.model, tmp_path / f"case_{number}.c")
    lines = [f'#include "case_{number}.c"' for number in range(len(those))]
    (tmp_path / "all.c").write_text("\n".join(lines))
    library = loaded_library(tmp_path / "all.c", *STRICT, "-O0")
    for number, trial in enumerate(those):
        faults += trial.faults(CompiledProgram(tmp_path / f"case_{number}.h", library))
    assert not faults
