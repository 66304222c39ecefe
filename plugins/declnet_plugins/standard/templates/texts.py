"""Columns of text: their words and pairs of words, as features of a linear model.

A text adds to the scores of the classes, or to the predicted number.
"""

from collections.abc import Iterator
from dataclasses import replace

from declnet_plugins.standard.templates.commented_toml import Line, toml
from declnet_plugins.standard.templates.plan import Features, Plan, Sizes, is_unspaced

MOST_TOKENS = 512
"""Maximum number of different words and pairs of a text that are read, so that a few long texts
need little memory."""

RATES = {"binary": 2.0, "classes": 1.0, "values": 0.25}
"""Learning rates by task, with the momentum below. How far the weights move until the best epoch is
what regularizes them: the sum of the rates, divided by 1 - momentum and by the number of rows, is
about what C is to scikit-learn's logistic regression. One unit moves as far as the difference of
two."""
MOMENTUM = 0.9

EPOCHS, PATIENCE = 100, 15
STEPS = 8
"""Minimum number of steps of an epoch of texts alone, so that the best epoch is near the best step.
"""
BATCH_SIZES = (256, 128, 64, 32, 16)

ROWS_IN_FOLDS = 20_000
"""Maximum number of texts alone for which training five models is quick."""


def tokenizing(features: Features) -> Iterator[Line]:
    """Yield a transform for each column of text."""
    for text in features.texts:
        unit, what, units = "ngrams = 2", "words and pairs of words", 2 * text.most_words
        if is_unspaced(text):
            unit, what = 'unit = "characters", ngrams = 3', "sequences of 1 to 3 characters"
            units = 3 * max(map(len, text.counts))
        fields = f'columns = [{toml(text.name)}], {unit}, weights = "tf_idf"'
        length = f", length = {MOST_TOKENS}" if units > MOST_TOKENS else ""
        yield f'  {{ type = "tokenize", {fields}{length}, missing = "empty" }},', what


def layer_of_table(plan: Plan, head: Plan, name: str, members: int = 0) -> str:
    """Return the name of the layer that gives the scores of the columns other than texts.

    An activation follows, unless the scores are numbers or belong to members.

    Args:
        plan: the whole plan.
        head: the plan of the target.
        name: of the output; "" for the only one.
        members: how many members have scores; 0 for no members.
    """
    if name and not _ends(head, members):
        return f"{name}_logits"
    return f"table_{name}" if name and plan.features.texts else name or "output"


def _ends(head: Plan, members: int) -> bool:
    return members > 0 or head.table.task == "values"


def scores_of_texts(
    plan: Plan, head: Plan, name: str, units: int | None = None, members: int = 0
) -> Iterator[Line]:
    """Yield a layer for each text, and the sum of what all columns give.

    Args:
        plan: the whole plan.
        head: the plan of the target.
        name: of the output; "" for the only one.
        units: number of scores; default: the units of the last layer.
        members: how many members get the scores; 0 for no members.
    """
    parts = [layer_of_table(plan, head, name, members)] if plan.columns else []
    last = f'name = "{name}", ' if name and _ends(head, members) else ""
    alone = not parts and not members and len(plan.text_inputs) == 1
    for text, column in plan.text_inputs.items():
        part = f"{text}_{name}" if name else text
        read = (
            f'"input.{text}", "input.{text}_weights"' if plan.inputs else '"input", "input.weights"'
        )
        named = last if alone and last else f'name = "{part}", '
        bias = ", use_bias = false" if parts else ""
        fields = f"{named}inputs = [{read}], units = {units or head.last_units}{bias}"
        yield f"  # a linear model of the words of {toml(column.name)}"
        yield f'  {{ type = "embedding_bag", {fields}, weight_initializer = "zeros" }},'
        if members:
            fields = f'name = "members_{part}", inputs = ["{part}"], members = {members}'
            yield f'  {{ type = "members", {fields}, scale_initializer = "ones" }},'
        parts.append(f"members_{part}" if members else part)
    if len(parts) > 1:
        yield f'  {{ type = "add", {last}inputs = {toml(parts)} }},'


def sizes_of_texts(sizes: Sizes, rows: int) -> Sizes:
    """Return the sizes for texts alone."""
    training = rows * (1 - sizes.validation - sizes.test)
    batch = next((size for size in BATCH_SIZES if size * STEPS <= training), BATCH_SIZES[-1])
    return replace(sizes, batch_size=batch, epochs=EPOCHS, patience=PATIENCE)


def groups_of_texts(plan: Plan) -> Iterator[Line]:
    """Yield the groups of the optimizer for texts in addition to other columns."""
    if not plan.features.texts:
        return
    for task, rate in RATES.items():
        names = [name for name, head in plan.plans.items() if head.table.task == task]
        layers = [
            f"{text}_{name}.weights" if name else f"{text}.weights"
            for name in names
            for text in plan.text_inputs
        ]
        if layers:
            yield ""
            yield "[[optimizer.groups]]  # words: the best epoch is their regularization"
            yield f"parameters = {toml(layers)}"
            yield 'type = "sgd"'
            yield f"learning_rate = {rate_of(plan, rate)}"
            yield f"momentum = {MOMENTUM:g}"


def optimizer_of_texts(plan: Plan) -> Iterator[Line]:
    """Yield the optimizer for texts alone."""
    rates = {name: RATES[head.table.task] for name, head in plan.plans.items()}
    first = next(iter(rates.values()))
    yield "[optimizer]"
    yield 'type = "sgd"', "the best epoch is the regularization of the words' weights"
    yield f"learning_rate = {rate_of(plan, first)}", "smaller if the loss jumps"
    yield f"momentum = {MOMENTUM:g}"
    for name, rate in rates.items():
        if rate != first:
            only = f'"{name}.*", ' if plan.plans[name].table.task == "values" else ""
            yield ""
            yield "[[optimizer.groups]]"
            yield (
                f"parameters = [{only}"
                + ", ".join(f'"{text}_{name}.*"' for text in plan.text_inputs)
                + "]"
            )
            yield f"learning_rate_factor = {rate / first:g}"


def rate_of(plan: Plan, rate: float) -> str:
    """Return a learning rate, which falls to 0 if that schedule is installed."""
    if "cosine" in plan.installed:
        return f'{{ type = "cosine", initial_rate = {rate:g} }}'
    return f"{rate:g}"
