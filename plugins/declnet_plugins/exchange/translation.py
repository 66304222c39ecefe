"""Translation: how one component is written in a file format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from declnet import Array, ColumnType, Component, Dtype, Layer, Misfit, RegistryError, Shape

TranslatedMethod = Literal["forward", "predictions", "apply", "inverse", "intervals", "sets"]
"""The method of a component that a format computes."""

TRANSLATED_KINDS = ("layer", "loss", "transform", "calibrator")
"""The kinds of components that are translated."""


class Untranslatable(Exception):  # noqa: N818  # it is about the component, not a failure
    """A component that the format cannot express; raised by `Translation.translate`.

    Attributes:
        message: why, e.g. `ONNX has no operator for dilated pooling`.
        help: what to do about it, if known.
    """

    def __init__(self, message: str, help: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.message, self.help = message, help


@dataclass(frozen=True, eq=False)
class TranslationSite:
    """A component's place in a model that is written to a file.

    Shapes are per sample, without the batch axis. For columns of a table, a sample is a row.

    Attributes:
        name: unique within the file, e.g. `dense_1` or `rooms.impute`. ASCII letters, digits,
            `_` and dots alone, whatever the data call it, so it is safe in code and comments.
        inputs: the format's own handles of the values that the component reads.
        input_shapes: the shape of each.
        input_types: what each holds: `number` (floats), `integer`, `boolean` or `text`.
        output_shape: the shape of the (first) result.
        output_type: what it holds.
        parameters: a layer's arrays by name, without a batch axis.
        state: what a transform or a calibrator learned.
        method: the method to compute: `forward` of a layer, `predictions` of a loss, `apply` or
            `inverse` of a transform, `apply`, `intervals` or `sets` of a calibrator.
        dtype: the type of the layers' values in declnet.
        writer: the exporter's own object, to which the translation writes.
        results: how many handles the translation returns.
    """

    name: str
    inputs: tuple[Any, ...]
    input_shapes: tuple[Shape, ...]
    input_types: tuple[ColumnType, ...]
    output_shape: Shape
    output_type: ColumnType
    method: TranslatedMethod
    dtype: Dtype
    writer: Any
    parameters: Mapping[str, Array] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    results: int = 1

    @property
    def inverse(self) -> bool:
        """Whether it is a transform of a target, whose inverse predictions get."""
        return self.method == "inverse"

    def layer_shapes(self, layer: Layer) -> Any:
        """Return the shapes of the inputs as a layer takes them: a tuple unless it takes one."""
        return self.input_shapes[0] if layer.n_inputs == 1 else self.input_shapes

    @property
    def is_double(self) -> bool:
        """Whether declnet computes it in float64: transforms and calibrators."""
        return self.method not in ("forward", "predictions")


class Translation(Component):
    """A translation of components of certain classes into a format; it has no fields.

    A component's file is its mathematics; translations are in the format's package, or in a third
    party's. Subclasses of the classes in `replaces` are never translated, since they may compute
    something else. If several translations have the same format and class, the first registered
    one is used.

    A class needs no `type`: by default it is the class's name in lower case, with underscores.

    A file never fails at a row that a component refuses by raising `ColumnError`, and the result
    may be anything there. The translation reports the row by `site.writer.refuse`; in `c`, also by
    an error that the body of an inline step returns. Results that are NaN or infinite where a
    network reads them need no report.
    """

    kind = "translation"
    conformance_checks = "declnet_plugins.exchange.checks.translations"
    required_methods = ("translate",)

    format: ClassVar[str] = ""
    """The type of the exporter whose format it writes, e.g. `"onnx"`."""
    replaces: ClassVar[tuple[Any, ...]] = ()
    """The exact classes of the layers, losses, transforms or calibrators that it can write."""

    def translate(self, component: Any, site: TranslationSite) -> tuple[Any, ...]:
        """Write what a component computes, and return the handles of its results.

        There is one handle, but one for each part of a transform into `Sequences` (values, lengths
        and any weights) and two for the `intervals` of a calibrator (lower and upper bounds).
        Layers are written as they compute in predictions, not in training.

        Args:
            component: the component, of one of the classes in `replaces`.
            site: its place in the model.

        Raises:
            Untranslatable: the format cannot express it.
        """
        raise NotImplementedError

    def verify_translate(
        self, handles: tuple[Any, ...], _component: Any, site: TranslationSite
    ) -> None:
        """Raise Misfit for another number of handles than the site has results."""
        if len(handles) != site.results:
            count = "1 handle" if site.results == 1 else f"{site.results} handles"
            raise Misfit.of(handles, f"a tuple of {count}")

    @classmethod
    def __pydantic_init_subclass__(cls, **more: Any) -> None:
        """Give a class without a type its name as type: `onnx_dense` for `OnnxDense`."""
        super().__pydantic_init_subclass__(**more)
        if "replaces" in vars(cls) and not hasattr(cls, "type"):
            words = re.sub("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__)
            cls.type = words.lower()

    @classmethod
    def verify_contract(cls) -> None:
        """Raise RegistryError also for a class without a format or classes, or with fields."""
        if cls.model_fields:
            raise RegistryError(
                f"{cls.__name__} has the fields {', '.join(cls.model_fields)}, but a translation "
                "has none: options are fields of the exporter"
            )
        super().verify_contract()
        if not cls.format:
            raise RegistryError(f'{cls.__name__} has no format: add e.g. format = "numpy"')
        for replaced in cls.replaces:
            if getattr(replaced, "kind", None) not in TRANSLATED_KINDS or replaced.is_contract():
                name = getattr(replaced, "__name__", repr(replaced))
                raise RegistryError(
                    f"{cls.__name__}.replaces has {name}, but it names "
                    f"classes of {', '.join(TRANSLATED_KINDS)} components"
                )
        if not cls.replaces:
            raise RegistryError(f"{cls.__name__}.replaces is empty; it names classes")
