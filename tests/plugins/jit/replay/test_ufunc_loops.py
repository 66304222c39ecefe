"""The inner loops of NumPy's ufuncs."""

import numpy as np
import pytest

from declnet_plugins.jit.replay.ufunc_loops import loop_of

UFUNCS = sorted(
    {value for value in vars(np).values() if isinstance(value, np.ufunc)},
    key=lambda ufunc: ufunc.__name__,
)


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
def test_each_signature_without_objects_has_a_loop_of_its_own(ufunc: np.ufunc) -> None:
    signatures = [type_ for type_ in ufunc.types if "O" not in type_]
    loops = {
        signature: loop_of(ufunc, [*map(np.dtype, signature.replace("->", ""))])
        for signature in signatures
    }
    assert all(loops.values()), loops
    assert loop_of(ufunc, [np.dtype("O")] * ufunc.nargs) is None
