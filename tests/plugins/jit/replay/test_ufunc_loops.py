"""The inner loops of NumPy's ufuncs."""

import numpy as np
import pytest

from declnet_plugins.jit.replay.ufunc_loops import loop_of

UFUNCS = sorted(
    {each for each in vars(np).values() if isinstance(each, np.ufunc)},
    key=lambda ufunc: ufunc.__name__,
)


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
def test_each_signature_without_objects_has_a_loop_of_its_own(ufunc: np.ufunc) -> None:
    signatures = [each for each in ufunc.types if "O" not in each]
    loops = {each: loop_of(ufunc, [*map(np.dtype, each.replace("->", ""))]) for each in signatures}
    assert all(loops.values()), loops
    assert loop_of(ufunc, [np.dtype("O")] * ufunc.nargs) is None
