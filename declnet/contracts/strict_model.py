"""StrictModel, the base class of everything in a spec, and errors located at its keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import (
    ErrorDetails,
    InitErrorDetails,
    PydanticCustomError,
    core_schema,
)

from declnet.contracts.network.inputs import is_name
from declnet.contracts.plain_values import mapped
from declnet.registry.spelling import closest, is_misspelling, known_elsewhere, suggestion


class LocatedString(str):
    """A string from a file in a different folder than the spec.

    Attributes:
        folder: the folder of that file.
    """

    __slots__ = ("folder",)
    folder: Path

    def __new__(cls, text: str, folder: Path) -> LocatedString:
        """Create the string with its folder."""
        self = super().__new__(cls, text)
        self.folder = folder
        return self

    def __getnewargs__(self) -> tuple[str, Path]:  # type: ignore[override]
        """Return the arguments for copies and pickles."""
        return str(self), self.folder


def with_folder(value: Any, folder: Path) -> Any:
    """Return a document whose strings know their folder."""
    return mapped(value, lambda text: LocatedString(text, folder) if type(text) is str else text)


def custom_error(kind: str, message: str, /, **context: str | None) -> PydanticCustomError:
    """Return an error whose message may contain braces, with context such as `hint`."""
    text = message.replace("{", "{{").replace("}", "}}")
    details = {key: value for key, value in context.items() if value is not None}
    return PydanticCustomError(kind, text, details)


def located_error(
    kind: str, message: str, location: tuple[str | int, ...], value: Any, **context: str | None
) -> ValidationError:
    """Return the same error, located at a key within the validated table."""
    details = InitErrorDetails(
        type=custom_error(kind, message, **context), loc=location, input=value
    )
    return ValidationError.from_exception_data(kind, [details])


def detailed_errors(error: ValidationError) -> list[InitErrorDetails]:
    """Return the errors of a validation, to be raised again with others or at another location."""
    return [_again(detail) for detail in error.errors()]


def _again(
    detail: ErrorDetails, error: str | PydanticCustomError | None = None
) -> InitErrorDetails:
    """Return an error to be raised again, perhaps by another one at the same key."""
    kind, context = detail["type"], detail.get("ctx", {})
    if error is None:
        error = kind if kind in _BUILT_IN else custom_error(kind, detail["msg"], **context)
    return InitErrorDetails(type=error, loc=detail["loc"], input=detail["input"], ctx=context)


def _layer_name(name: str) -> str:
    if not is_name(name):
        raise custom_error("name", "must not be empty or contain dots or spaces")
    return name


def _label(name: str) -> str:
    if not name.isprintable() or not name.strip():
        raise custom_error("name", "must be printable text in one line")
    return name


LayerName = Annotated[
    str,
    AfterValidator(_layer_name),
    WithJsonSchema({"type": "string", "pattern": r"^[^.\s]+$"}),
]
"""A name without dots and spaces; a dot separates it from a parameter's name."""

Label = Annotated[str, AfterValidator(_label), WithJsonSchema({"type": "string", "pattern": r"\S"})]
"""A name on one line."""


KIND = "x-declnet-kind"
"""The schema keyword for the kind of component that a value is."""


def any_of_kind(kind: str, number: Mapping[str, float] | None = None) -> JsonSchemaValue:
    """Return the schema of a component's name or table, or also a number if bounds are given.

    Args:
        kind: the component's kind.
        number: bounds such as `minimum`, possibly empty; None if a number is not accepted.
    """
    types = ["string", "object"] if number is None else ["number", "string", "object"]
    return {"type": types, "required": ["type"], KIND: kind, **(number or {})}


_SCALARS = frozenset({"int", "float", "bool", "str"})
_BUILT_IN = frozenset(get_args(core_schema.ErrorType))
_OPAQUE = frozenset({"default", "metadata", "serialization", "expected", "config", "cls"})


class StrictModel(BaseModel):
    """A frozen model whose scalars are strict: no `"0.5"` or `true` for a number, no NaN.

    Only scalars are strict: a TOML array is accepted for a tuple, and a string for a path.
    Defaults are validated too, so a component's name can be one: `Initializer | str = "ones"`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_default=True,
        defer_build=True,
        protected_namespaces=(),
    )

    other_keys: ClassVar[Mapping[str, str]] = {}
    """Keys that users know from other libraries, each with the name of the field here, or with a
    hint if there is none. Those of base classes count too."""

    renamed_fields: ClassVar[Mapping[str, str]] = {}
    """Names that fields had in earlier versions, each with the present one. A spec that uses one is
    read as if it used the present one, with a warning. Those of base classes count too, here and in
    `removed_fields`."""
    removed_fields: ClassVar[Mapping[str, str]] = {}
    """Fields of earlier versions, each with a note that says what to write instead. A spec may
    still have them, with a warning; they have no effect."""

    @classmethod
    def known_key(cls, written: str) -> str | None:
        """Return what `other_keys` says about a key, of this class or of its bases."""
        others = (vars(base).get("other_keys", {}) for base in cls.__mro__)
        return next(filter(None, (known_elsewhere(written, other) for other in others)), None)

    @classmethod
    def about_earlier(cls, written: str) -> dict[str, str] | None:
        """Return the message and hint about a field of earlier versions; None for other keys.

        Also `meant`, the present name of a field that was renamed.
        """
        for base in cls.__mro__:
            renamed = vars(base).get("renamed_fields", {}).get(written)
            if renamed is not None:
                message = f'"{written}" was renamed to "{renamed}"'
                return {"message": message, "hint": f"write {renamed}", "meant": renamed}
            note = vars(base).get("removed_fields", {}).get(written)
            if note is not None:
                message = f'"{written}" was removed in a later version, and has no effect'
                return {"message": message, "hint": note}
        return None

    @classmethod
    def with_present_keys(cls, table: Mapping[str, Any]) -> dict[str, Any]:
        """Return a table without the keys of earlier versions, or with those that replaced them."""
        present = {key: value for key, value in table.items() if cls.about_earlier(key) is None}
        for key in table.keys() - present.keys():
            name = (cls.about_earlier(key) or {}).get("meant")
            if name is not None:
                present.setdefault(name, table[key])
        return present

    @classmethod
    def about_unknown(cls, written: str, known: Collection[str], label: str) -> dict[str, str]:
        """Return the context of the error of an unknown key.

        That is `hint`, and `meant`, the known key, unless that is only a guess.

        Args:
            written: the unknown key.
            known: the known ones.
            label: what these are, e.g. `"keys of dense"`.
        """
        elsewhere = cls.known_key(written)
        if elsewhere is not None and elsewhere not in known:
            return {"hint": elsewhere}
        if elsewhere is not None:
            return {"hint": f'did you mean "{elsewhere}"?', "meant": elsewhere}
        near, hint = closest(written, known), suggestion(written, known, label)
        sure = near is not None and is_misspelling(written, near, known)
        return {"hint": hint, "meant": near} if near is not None and sure else {"hint": hint}

    @model_validator(mode="wrap")
    @classmethod
    def _suggest_for_unknown_keys(
        cls, values: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        try:
            return handler(values)
        except ValidationError as error:
            details = [cls._with_suggestion(detail, info) for detail in error.errors()]
            meant = cls._only_one_meant(error.errors(), values, handler)
            if meant is not None:
                details[meant[0]]["type"] = meant[1]
            hides = bool(cls.model_config.get("hide_input_in_errors"))
            raise ValidationError.from_exception_data(
                error.title, details, hide_input=hides
            ) from None

    @classmethod
    def _with_suggestion(cls, detail: ErrorDetails, info: ValidationInfo) -> InitErrorDetails:
        location, kind = detail["loc"], detail["type"]
        error: PydanticCustomError | None = None
        is_unknown = kind == "extra_forbidden" and len(location) == 1
        earlier = cls.about_earlier(str(location[0])) if is_unknown else None
        if earlier is not None:
            message = f"{earlier.pop('message')}{cls._trained_by(info)}"
            error = PydanticCustomError("earlier_key", message, earlier)
        elif is_unknown:
            label = f"keys of {cls.type}" if hasattr(cls, "type") else "keys here"
            about = cls.about_unknown(str(location[0]), cls.model_fields.keys(), label)
            about["hint"] += cls._trained_by(info)
            error = PydanticCustomError("unknown_key", "unknown key", about)
        elif kind == "missing" and len(location) == 1 and location[0] in cls.model_fields:
            fields = cls.model_fields
            written = {
                key: f"{key} = {_placeholder(field.annotation)}"
                for key, field in fields.items()
                if field.is_required()
            }
            name = str(location[0])
            meaning = fields[name].description
            hint = f"add {written[name]}" + (f", {meaning}" if meaning else "")
            known = {"hint": hint, "required": ", ".join(written.values()), "meaning": meaning}
            error = PydanticCustomError("missing_key", "is missing", known)
        return _again(detail, error)

    @classmethod
    def _trained_by(cls, info: ValidationInfo) -> str:
        """Return a phrase on the version that trained a stored run, if another is installed."""
        registry = (info.context or {}).get("registry")
        kind, name = getattr(cls, "kind", None), getattr(cls, "type", None)
        origin = registry.earlier_origin(kind, name) if registry is not None else None
        return f"; this run was trained with {origin.origin}" if origin is not None else ""

    @classmethod
    def _only_one_meant(
        cls, details: Sequence[ErrorDetails], values: Any, handler: ModelWrapValidatorHandler[Self]
    ) -> tuple[int, PydanticCustomError] | None:
        """Return the error of the only unknown key, and its index, if it can be the missing one."""
        at_keys = [numbered for numbered in enumerate(details) if len(numbered[1]["loc"]) == 1]
        unknown = [key for key in at_keys if key[1]["type"] == "extra_forbidden"]
        missing = [detail["loc"][0] for _, detail in at_keys if detail["type"] == "missing"]
        if len(unknown) != 1 or len(missing) != 1 or not isinstance(values, Mapping):
            return None
        (index, detail), name = unknown[0], str(missing[0])
        written = str(detail["loc"][0])
        if cls.about_earlier(written) is not None:
            return None
        if cls.known_key(written) is not None or closest(written, cls.model_fields) is not None:
            return None
        renamed = {name if key == written else key: value for key, value in values.items()}
        try:
            handler(renamed)
        except ValidationError as error:
            if any(detail["loc"][:1] == (name,) for detail in error.errors()):
                return None
        about = {"hint": f'did you mean "{name}", which is missing?', "meant": name}
        return index, PydanticCustomError("unknown_key", "unknown key", about)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        schema = handler(source)
        _make_scalars_strict(schema)
        return schema


def _placeholder(annotation: Any) -> str:
    """Return what a value of a required field looks like in a spec, with … for what to fill in."""
    types = (annotation, *get_args(annotation))
    if get_origin(annotation) is tuple:
        return "[ … ]" if ... in types else "…"
    if {int, float, bool} & set(types):
        return "…"
    is_mapping = get_origin(annotation) in (dict, Mapping)
    is_table = is_mapping or (isinstance(annotation, type) and issubclass(annotation, BaseModel))
    return "{ … }" if is_table and not hasattr(annotation, "kind") else '"…"'


def _make_scalars_strict(schema: Any) -> None:
    if isinstance(schema, dict):
        kind = schema.get("type")
        if isinstance(kind, str) and kind in _SCALARS:  # not a field named `type`
            schema.setdefault("strict", True)
        for key, value in schema.items():
            if key not in _OPAQUE:
                _make_scalars_strict(value)
    elif isinstance(schema, list | tuple):
        for item in schema:
            _make_scalars_strict(item)


def resolve_paths(
    model: type[BaseModel], values: Mapping[str, Any], folder: Path | None
) -> dict[str, Any]:
    """Make relative paths in a table absolute, for fields annotated as `Path` or as a dict of them.

    Args:
        model: the class that will validate the table.
        values: the table, as written.
        folder: the base of relative paths (the spec file's folder), or None to leave them.

    Raises:
        pydantic.ValidationError: a path contains a null character, which no file's name does.
    """
    resolved = dict(values)
    if folder is None:
        return resolved
    for name, field in model.model_fields.items():
        value = resolved.get(name)
        is_path = field.annotation is Path or Path in get_args(field.annotation)
        if is_path and "\0" in str(value):
            message = "must be a file's name, which cannot contain a null character"
            raise located_error("path", message, (name,), value)
        if is_path and name in resolved:
            resolved[name] = _resolved(value, folder)
        elif field.annotation == dict[str, Path] | None and isinstance(value, dict):
            resolved[name] = {key: _resolved(item, folder) for key, item in value.items()}
    return resolved


def _resolved(value: Any, folder: Path) -> Any:
    if not isinstance(value, str | Path):
        return value
    return (value.folder if isinstance(value, LocatedString) else folder) / value
