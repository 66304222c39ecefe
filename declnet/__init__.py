"""declnet: declarative neural networks, trained as a fast NumPy graph.

Programs use `load_spec`, `parse_spec`, `run`, `open_run` and `build_model`; plugins derive from the
contracts (`Layer`, `Loss`, …) and register with `@hookimpl`. `__init__.pyi` lists the public names,
which are imported on first use.
"""

from __future__ import annotations

from declnet.registry.lazy import lazy_names, names_in_stub

__version__ = "0.1.0"

_HOME_OF = names_in_stub(__name__)

__all__ = sorted([*_HOME_OF, "__version__"])  # noqa: PLE0605

__getattr__ = lazy_names(__name__, _HOME_OF)


def __dir__() -> list[str]:
    return list(__all__)
