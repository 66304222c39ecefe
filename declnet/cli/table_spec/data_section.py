"""The section `[data]` of the spec for a table."""

from __future__ import annotations

from collections.abc import Iterator

from declnet.cli.table_spec.lines import Line, as_toml
from declnet.cli.table_spec.plan import Plan
from declnet.data.table_profile import ColumnProfile

MOST_LISTED = 60
"""Features that are listed with what is known of each."""

MEANINGS = {
    "path": "starts from this spec's folder",
    "target": "what is predicted",
    "decimal": "as in 2,5",
}


def data_section(plan: Plan) -> Iterator[Line]:
    """What is held out, how columns are prepared, which ones are used."""
    sizes, features = plan.sizes, plan.features
    yield "[data]"
    if sizes.test:
        comment = "the share that is kept from learning, to stop in time"
        yield f"validation = {sizes.validation:g}", comment
        yield f"test = {sizes.test:g}", "the share that the finished model is measured on"
    else:
        yield "# so few rows that none is held out; a test = { … } would measure the model"
    if plan.task != "number" and sizes.test:
        yield 'split = { method = "stratified" }', "with the same shares of each class"
    if plan.task != "number":
        yield '# class_weights = "balanced"', "would make rare classes count as much as frequent"
    yield "prepare = [  # fitted on what the model learns from, kept for predictions"
    fill = '{ type = "impute", strategy = "median" },'
    if features.infinities:
        fill = '{ type = "impute", strategy = "median", infinite = true },'
        yield f"  {fill}", "fills gaps, for which infinite numbers count too"
    elif features.gaps:
        yield f"  {fill}", "fills gaps; those of text with what is most frequent"
    else:
        yield f"  {fill}", "fills gaps, of which this table has none yet"
    if features.numbers:
        yield '  { type = "standardize" },', "numbers to mean 0 and deviation 1"
    if features.text:
        yield '  { type = "one_hot" },', "text to a column for each category"
    yield "]"
    yield ""
    yield "[data.train]"
    meanings = {**MEANINGS, "missing_target": f"{plan.unlabelled} rows have none"}
    for key, value in plan.source.items():
        line = f"{key} = {as_toml(value)}"
        yield (line, meanings[key]) if key in meanings else line
    yield from _features(plan)


def _features(plan: Plan) -> Iterator[Line]:
    used, left_out = plan.features.used, plan.features.left_out
    if len(used) <= MOST_LISTED:
        yield "features = [  # what is predicted from"
        for each in used:
            yield f"  {as_toml(each.name)},", _facts(each)
        for each, reason in left_out[:MOST_LISTED]:
            yield f"  # {as_toml(each.name)},", f"left out: {reason}"
        if len(left_out) > MOST_LISTED:
            yield f"  # and {len(left_out) - MOST_LISTED} more were left out"
        yield "]"
    elif left_out:
        names = ", ".join(as_toml(each.name) for each in used)
        yield f"# {len(left_out)} columns are left out, e.g. {as_toml(left_out[0][0].name)}:"
        yield f"# {left_out[0][1]}"
        yield f"features = [{names}]"
    else:
        yield f"# predicted from all {len(used)} other columns; features = […] would name some"


def _facts(column: ColumnProfile) -> str:
    facts: str = column.type
    if column.type == "text":
        facts += f", {column.distinct} categories"
    if column.missing:
        facts += f", {column.missing} missing"
    if column.infinite:
        facts += f", {column.infinite} infinite"
    return facts
