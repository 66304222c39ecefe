"""Component: a validated, frozen declaration that knows its kind and type."""

import builtins
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, ValidationError, core_schema

from declnet.contracts.strict_model import (
    StrictModel,
    any_of_kind,
    custom_error,
    located_error,
    resolve_paths,
)
from declnet.contracts.verification import verify_class
from declnet.display.words import kind_in_words, with_article
from declnet.errors import Diagnostic, KeyPath, UnknownTypeError
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.registry.spelling import closest, is_misspelling

if TYPE_CHECKING:
    from declnet.contracts.number_or import NumberOr


class Component(StrictModel):
    """A declaration together with its computation; it holds no arrays.

    A contract (`Layer`, `Loss`, …) sets `kind`; a component class sets `type`. A field annotated
    with a contract accepts any registered component of that kind, as a name, a table with a `type`
    or an instance.
    """

    kind: ClassVar[str]
    type: ClassVar[str]
    examples: ClassVar[tuple[dict[str, Any], ...]] = ()
    """Typical declarations, as tables of fields: shown by `declnet plugins show` and in the docs,
    and tried by the conformance kit, which otherwise uses the defaults."""
    other_types: ClassVar[tuple[str, ...]] = ()
    """Its names in other libraries, e.g. `("Linear", "fully_connected")`: a spec that uses one gets
    a hint with the type. `other_keys` is the same for its fields."""
    other_keys: ClassVar[Mapping[str, str]] = {}
    recordable: ClassVar[bool] = True
    """Whether an engine may call a method once and repeat its operations. False for a component
    that depends on what changes elsewhere, such as a counter or a global schedule."""
    conformance_checks: ClassVar[str] = ""
    """The module with the conformance checks of a contract, which only the kit imports; by default
    there are none but those that all components have."""
    contract_releases: ClassVar[tuple[str, ...]] = ("0.1",)
    """For each version of a contract, from 1, the release that introduced it: of declnet, or of the
    distribution that defines the contract. A change that breaks components adds one."""
    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Checks of the conformance kit that fail on purpose, for at least one example, each with the
    reason, e.g. `{"gradient_of_inputs": "a straight-through gradient"}`."""
    required_methods: ClassVar[tuple[str, ...]] = ()
    """Methods that components of this contract must implement."""

    _optional: ClassVar[frozenset[str]] = frozenset()
    """Fields of a contract that a dumped component leaves out while they have their default."""

    _spec_keys: ClassVar[frozenset[str]] = frozenset()
    """Keys that a spec may write in addition to the fields of a component of this contract."""

    @classmethod
    def verify_contract(cls) -> None:
        """Check that the class can be registered (see `declnet.contracts.verification`).

        Raises:
            RegistryError: it has no type, lacks a method, or otherwise breaks its contract.
        """
        verify_class(cls)

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any] | None:  # noqa: ARG003
        """Return another example, whose files it writes to a folder; None if it needs no files.

        The conformance kit checks it after `examples`, which name files that do not exist. If the
        component needs a package that is not installed, this may raise its ImportError.
        """
        return None

    def check(self, context: Any) -> Iterable[Diagnostic]:  # noqa: ARG002
        """Yield errors and warnings about this component in a run, before the run starts.

        Called for each component in a spec once its own fields are valid. Shapes need no check
        here: `output_shape` rejects those that a layer cannot take.

        Args:
            context: a `RunContext`, what is known about the run; parts may be missing.
        """
        return ()

    @classmethod
    def scheduled_fields(cls) -> dict[str, "NumberOr"]:
        """Return the ranges of the fields annotated with `Scheduled`, by name."""
        return {
            name: annotation
            for name, field in cls.model_fields.items()
            for annotation in field.metadata
            if getattr(annotation, "by_step", False)
        }

    @classmethod
    def contract(cls) -> "builtins.type[Any]":
        """Return the contract of a component class: the nearest base class that sets `kind`."""
        return next(base for base in cls.__mro__ if "kind" in vars(base))

    @classmethod
    def is_contract(cls) -> bool:
        """Return whether the class is a contract rather than a component of one type."""
        return not hasattr(cls, "type")

    @classmethod
    def from_declaration(cls, value: Any, context: Mapping[str, Any] | None = None) -> Self:
        """Build a component of this contract from a name, a table with a `type`, or an instance.

        Args:
            value: the value, as in a spec.
            context: `registry` (default: all installed plugins), `folder`, the base of relative
                paths, and `is_stored`, whether an earlier version may have written the table, whose
                keys are then read without a warning.

        Raises:
            pydantic.ValidationError: with the location of each error within `value`.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            table: dict[str, Any] = {"type": value}
        elif isinstance(value, Mapping):
            table = dict(value)
        else:
            message = f"must be {with_article(cls.kind)}: its type's name or a table with a type"
            raise PydanticCustomError("component", message, {"code": "E012"})
        at_type = ("type",) if isinstance(value, Mapping) else ()
        component_class = cls._class_of(table, at_type, context or {})
        folder = (context or {}).get("folder")
        if (context or {}).get("is_stored"):
            table = component_class.with_present_keys(table)
        fields = resolve_paths(component_class, table, folder)
        component: Self = component_class.model_validate(fields, context=dict(context or {}))
        return component

    @classmethod
    def _class_of(
        cls, table: dict[str, Any], at_type: tuple[str, ...], context: Mapping[str, Any]
    ) -> builtins.type[Any]:
        registry: Registry = context.get("registry") or default_registry()
        name = table.get("type")
        if not isinstance(name, str):
            missing = "type" not in table
            near = closest("type", table) if missing else None
            if near is not None and isinstance(table[near], str) and is_misspelling("type", near):
                about = {"hint": 'did you mean "type"?', "meant": "type"}
                raise located_error("unknown_key", "unknown key", (near,), table[near], **about)
            message = "is missing" if missing else "must be the name of a type"
            kinds = kind_in_words(cls.kind, plural=True)
            hint = f"installed {kinds}: {', '.join(registry.types(cls.kind)) or 'none'}"
            hint = f'add type = "…"; {hint}' if missing else hint
            raise _error(message, at_type, name, hint, "E011" if missing else "E012")
        try:
            component_class = registry.find(cls.kind, name)
        except UnknownTypeError as error:
            raise _error(
                error.message, at_type, name, error.hint, error.code, error.meant
            ) from None
        if not issubclass(component_class, cls):
            raise _error(f'"{name}" is not a {cls.__name__}', at_type, name, None, "E012")
        return component_class

    @model_validator(mode="before")
    @classmethod
    def _drop_own_type(cls, values: Any) -> Any:
        """Drop the type from a dumped component; it must be the class's own."""
        if isinstance(values, Mapping) and values.get("type") == getattr(cls, "type", None):
            return {key: value for key, value in values.items() if key != "type"}
        return values

    @model_serializer(mode="wrap")
    def _with_type(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped, known = handler(self), type(self).model_fields
        required = [name for name in known if name in dumped and known[name].is_required()]
        fields = {"type": self.type, **{name: dumped[name] for name in required}, **dumped}
        for name in self._optional:
            if getattr(self, name) == type(self).model_fields[name].default:
                fields.pop(name, None)
        return fields

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        if not cls.is_contract():
            return super().__get_pydantic_core_schema__(source, handler)

        def validate(value: Any, info: ValidationInfo) -> Component:
            return cls.from_declaration(value, info.context)

        return core_schema.with_info_plain_validator_function(validate)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        if cls.is_contract():
            return any_of_kind(cls.kind)
        described = handler(schema)
        target: dict[str, Any] = handler.resolve_ref_schema(described)
        target["properties"] = {"type": {"const": cls.type}, **target.get("properties", {})}
        target["required"] = ["type", *target.get("required", [])]
        return described


def components_in(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Component]]:
    """Yield every component in a value, at any depth, with the keys and positions that lead to it.

    Args:
        value: a component, a section of a spec, or a collection.
        path: those that lead to the value.
    """
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Component):
        yield path, value
    if isinstance(value, BaseModel):
        items = ((name, getattr(value, name)) for name in type(value).model_fields)
    elif isinstance(value, tuple | list):
        items = enumerate(value)
    elif isinstance(value, dict):
        items = value.items()
    for key, item in items:
        yield from components_in(item, (*path, key))


def _error(
    message: str,
    location: tuple[str, ...],
    value: Any,
    hint: str | None,
    code: str,
    meant: str | None = None,
) -> ValidationError | PydanticCustomError:
    """Return an error at a key inside the value, or at the value itself if `location` is empty."""
    if not location:
        return custom_error("component", message, hint=hint, code=code, meant=meant)
    return located_error("component", message, location, value, hint=hint, code=code, meant=meant)
