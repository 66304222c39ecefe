"""What may be written, for Taplo: the language server behind VS Code's Even Better TOML.

Taplo 0.9 validates by a whole schema, but its completion and its hover read no conditions and no
values: they gather every branch of a union. So they get definitions of their own, which validate
nothing, with a table for each kind in which a key stands once, and its text names the types that
have it. What Taplo does with them decides their form (taplo-common/src/schema/mod.rs and
taplo-lsp/src/handlers/completion.rs):

- Keys on offer come from `properties`, and from theirs, five levels down. `patternProperties` are
  followed only at their key, so what stands below a component is kept in them.
- Where a value is due it offers the values of all keys below, too, unless they have an `enum`:
  hence the empty ones. A default beside them is still what a chosen key is written with.
- In an array of tables it looks for a table's key below a second index: hence `items`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from declnet.components.json_schema import KIND
from declnet.registry.spelling import kind_in_words, with_article
from declnet.spec.schema.catalogue import SPEC, Catalogue
from declnet.spec.schema.forms import DEFINITIONS, Schema, definition_name, reference

COMPLETION = "completion-"

_Uses = Mapping[str, Schema]
"""The forms of one key, by the types that have it."""


def completion_definitions(catalogue: Catalogue) -> dict[str, Schema]:
    """The definitions, of which `completion-spec` leads to all others."""
    made = {}
    for name, form in catalogue.forms.items():
        if _is_section(name):
            uses = {key: {"": each} for key, each in form["properties"].items()}
            made[COMPLETION + name] = {**_table(uses, 1), "description": form["description"]}
    for kind, types in catalogue.kinds.items():
        made |= _kind(kind, types, catalogue)
    return made


def _kind(kind: str, types: Mapping[str, str], catalogue: Catalogue) -> dict[str, Schema]:
    name = COMPLETION + definition_name(kind)
    described: Schema = {"description": f"which {kind_in_words(kind)}"}
    uses: dict[str, dict[str, Schema]] = {"type": dict.fromkeys(types or ("",), described)}
    for each, definition in types.items():
        for key, form in catalogue.forms[definition].get("properties", {}).items():
            if key != "type":
                uses.setdefault(key, {})[each] = form
    names = reference(f"{name}-types")
    table = _table(uses, max(1, len(types)))
    table["patternProperties"]["^type$"] = names
    summaries = [catalogue.summaries[definition] for definition in types.values()]
    docs = {"enum": list(types), "x-taplo": {"docs": {"enumValues": summaries}}}
    return {name: {**table, "items": reference(name), "anyOf": [names]}, f"{name}-types": docs}


def _table(keys: Mapping[str, _Uses], types: int) -> Schema:
    """A table.

    Args:
        keys: the uses of each key.
        types: how many types there are; what all of them have needs no names.
    """
    inner = {key: _values(list(uses.values())) for key, uses in keys.items()}
    return {
        "type": "object",
        "properties": {key: _key(uses, types) for key, uses in keys.items()},
        "patternProperties": {f"^{re.escape(key)}$": each for key, each in inner.items() if each},
    }


def _key(uses: _Uses, types: int) -> Schema:
    """A key as it is offered, with what is known of it in all its uses."""
    forms = list(uses.values())
    if "$ref" in forms[0] and len(forms) == 1:
        return _inside(forms[0])
    key: Schema = {"description": _text(uses, types), "enum": []}
    for word in ("const", "default", "type"):
        values = [form.get(word) for form in forms]
        if KIND not in forms[0] and values[0] is not None and all(v == values[0] for v in values):
            key[word] = values[0]
    if key.get("type") == "array":
        items = forms[0].get("items", {})
        plain = "type" in items and KIND not in items
        key["items"] = {"type": items["type"]} if plain else {"enum": []}
    return key


def _text(uses: _Uses, types: int) -> str:
    """The descriptions, each after the types that it holds for."""
    owners: dict[str, list[str]] = {}
    for owner, form in uses.items():
        owners.setdefault(_described(form), []).append(owner)
    return "\n\n".join(
        text if len(those) == types else f"{', '.join(those)}: {text}"
        for text, those in owners.items()
    )


def _described(form: Schema) -> str:
    text = form.get("description", "")
    if not text and KIND in form:
        text = f"{with_article(form[KIND])}: its type's name, or a table with a type"
    if "default" in form and form["default"] != []:
        text += f" (default: {json.dumps(form['default'])})"
    return str(text)


def _values(forms: list[Schema]) -> Schema:
    """What may follow a key."""
    inside = [each for each in map(_inside, forms) if each]
    distinct = {json.dumps(each, sort_keys=True): each for each in inside}
    return _any_of(list(distinct.values()))


def _any_of(branches: list[Schema]) -> Schema:
    """The branches, without a union around a single one."""
    return branches[0] if len(branches) == 1 else {"anyOf": branches} if branches else {}


def _inside(form: Schema) -> Schema:
    if KIND in form:
        return reference(COMPLETION + definition_name(form[KIND]))
    if "$ref" in form:
        name = form["$ref"].removeprefix(DEFINITIONS)
        return reference(COMPLETION + name) if _is_section(name) else form
    if form.get("type") == "array" and isinstance(form.get("items"), dict):
        return {"type": "array", "items": _inside(form["items"])}
    if "anyOf" in form:
        return _any_of([_inside(each) for each in form["anyOf"]])
    words = ("type", "enum", "const", *(["default"] if form.get("type") != "boolean" else []))
    return {word: form[word] for word in words if word in form}


def _is_section(name: str) -> bool:
    """Whether a definition is that of a spec or of a section."""
    return name.partition(".")[0] == SPEC
