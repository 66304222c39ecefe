"""Each translation into C99 against the component itself, all compiled by gcc in one file."""

from __future__ import annotations

import pytest

from declnet_plugins.export.c99.compiled import CompiledProgram, compiler, loaded_library
from declnet_plugins.export.c99.exporter import C99

from ..cases import trials_of_components, trials_of_transforms
from .test_models import STRICT

pytestmark = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")


@pytest.mark.parametrize("trials_of", [trials_of_components, trials_of_transforms])
def test_files_compute_what_components_do(trials_of, tmp_path):
    trials, faults = [*trials_of("c")], list[str]()
    for number, trial in enumerate(trials):
        C99(prefix=f"case_{number}").export(trial.model, tmp_path / f"case_{number}.c")
    lines = [f'#include "case_{number}.c"' for number in range(len(trials))]
    (tmp_path / "all.c").write_text("\n".join(lines))
    library = loaded_library(tmp_path / "all.c", *STRICT)
    for number, trial in enumerate(trials):
        faults += trial.faults(CompiledProgram(tmp_path / f"case_{number}.h", library))
    assert not faults
