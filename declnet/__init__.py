"""declnet: declarative neural networks, trained as a fast NumPy graph.

Programs use `load_spec`, `parse_spec`, `run`, `open_run` and `build_model`; plugins derive from the
contracts (`Layer`, `Loss`, …) and register with `@hookimpl`. `__init__.pyi` lists the public names,
which are imported on first use.
"""

from __future__ import annotations

from declnet.registry.lazy import lazy_names

__version__ = "0.1.0"

with open(f"{__file__}i", encoding="utf-8") as _stub:  # noqa: PTH123  # pathlib imports slowly
    _HOME_OF = {
        words[3]: words[1].removeprefix("declnet.")
        for words in map(str.split, _stub)
        if words[:1] == ["from"]  # from declnet.MODULE import NAME as NAME
    }

__all__ = sorted([*_HOME_OF, "__version__"])  # noqa: PLE0605

__getattr__ = lazy_names(__name__, _HOME_OF)


def __dir__() -> list[str]:
    return list(__all__)
