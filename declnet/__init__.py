"""declnet: declarative neural networks, trained as a fast NumPy graph.

Programs use `load_spec`, `parse_spec`, `run`, `open_run` and `build_model`; plugins derive from the
contracts (`Layer`, `Loss`, …) and register with `@hookimpl`. `__init__.pyi` lists the public names,
which are imported on first use.
"""

from __future__ import annotations

from typing import Any

from declnet.registry.lazy import lazy_names

__version__ = "0.1.0"

with open(f"{__file__}i", encoding="utf-8") as _stub:  # noqa: PTH123  # pathlib imports slowly
    _HOME_OF = {
        words[3]: words[1].removeprefix("declnet.")
        for words in map(str.split, _stub)
        if words[:1] == ["from"]  # from declnet.MODULE import NAME as NAME
    }

__all__ = sorted([*_HOME_OF, "__version__"])  # noqa: PLE0605

_RENAMED = {
    "Buffer": "Workspace, which a layer's method workspace() returns",
    "Finding": "Diagnostic, whose `help` was `hint` and whose `path` was `key`",
    "Fusion": "Kernel, with replaces = (LayerClass, LossClass) and a method bind(site)",
    "FusionKernel": "Kernel, with replaces = (LayerClass, LossClass) and a method bind(site)",
    "LayerKernel": "Kernel, with replaces = (LayerClass,) and a method bind(site)",
    "LayerOutline": "LayerContext",
    "OptimizerKernel": "Kernel, with replaces = (OptimizerClass,) and a method bind(site)",
    "Outline": "RunContext, whose `metrics` was `figures`",
    "Problem": "Diagnostic, whose first argument is the message and whose `help` was `hint`",
    "Records": "Table",
    "RegularizerKernel": "Kernel, with replaces = (RegularizerClass,) and a method bind(site)",
}
"""Public names of the first edition that were removed, with their replacements."""

_lazy = lazy_names(__name__, _HOME_OF)


def __getattr__(name: str) -> Any:
    if name in _RENAMED:  # `from declnet import …` would drop the message of an AttributeError
        raise ImportError(f"declnet.{name} was renamed: use {_RENAMED[name]}")
    return _lazy(name)


def __dir__() -> list[str]:
    return list(__all__)
