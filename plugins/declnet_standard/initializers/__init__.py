"""Initializers of parameters, one per file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_standard.initializers.constant import Constant as Constant
    from declnet_standard.initializers.glorot_normal import GlorotNormal as GlorotNormal
    from declnet_standard.initializers.glorot_uniform import GlorotUniform as GlorotUniform
    from declnet_standard.initializers.he_normal import HeNormal as HeNormal
    from declnet_standard.initializers.he_uniform import HeUniform as HeUniform
    from declnet_standard.initializers.lecun_normal import LecunNormal as LecunNormal
    from declnet_standard.initializers.lecun_uniform import LecunUniform as LecunUniform
    from declnet_standard.initializers.normal import Normal as Normal
    from declnet_standard.initializers.ones import Ones as Ones
    from declnet_standard.initializers.orthogonal import Orthogonal as Orthogonal
    from declnet_standard.initializers.truncated_normal import TruncatedNormal as TruncatedNormal
    from declnet_standard.initializers.uniform import Uniform as Uniform
    from declnet_standard.initializers.zeros import Zeros as Zeros

INITIALIZERS = {
    "constant": "Constant",
    "glorot_normal": "GlorotNormal",
    "glorot_uniform": "GlorotUniform",
    "he_normal": "HeNormal",
    "he_uniform": "HeUniform",
    "lecun_normal": "LecunNormal",
    "lecun_uniform": "LecunUniform",
    "normal": "Normal",
    "ones": "Ones",
    "orthogonal": "Orthogonal",
    "truncated_normal": "TruncatedNormal",
    "uniform": "Uniform",
    "zeros": "Zeros",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in INITIALIZERS.items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when a spec names it."""
    for file, name in INITIALIZERS.items():
        register.lazily("initializer", file, f"{__name__}.{file}:{name}")
