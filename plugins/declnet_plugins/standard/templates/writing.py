"""Writing of the choices for a table as a commented TOML spec."""

from collections.abc import Iterator, Sequence

from declnet_plugins.standard.templates.commented_toml import Line, toml
from declnet_plugins.standard.templates.plan import (
    CATEGORY_UNITS,
    LEARNING_RATE,
    LINEAR_RATE,
    WEIGHT_DECAY,
    Plan,
)
from declnet_plugins.standard.templates.suggestions import (
    has_words,
    holds_counts,
    order_of_classes,
)
from declnet_plugins.standard.templates.texts import (
    groups_of_texts,
    layer_of_table,
    scores_of_texts,
)

CALIBRATED = "makes probabilities as certain as they are right, on the validation data"

TASKS = {"binary": "which of two classes", "classes": "which of {} classes", "values": "a number"}


def head(plan: Plan, comment: Sequence[str] = ()) -> Iterator[Line]:
    """Yield what comes before the sections.

    Args:
        plan: the table.
        comment: more lines of the comment at the top.
    """
    *others, last = plan.plans.values()
    for other in others:
        what = TASKS[other.table.task].format(other.target.distinct)
        yield f"# Predicts {toml(other.target.name)}: {what}."
    what = TASKS[last.table.task].format(last.target.distinct)
    yield f"# Predicts {toml(last.target.name)}: {what}. Written by `declnet new` for a table of"
    yield f"# {plan.target.rows} rows; change what you like. `declnet plugins` lists all types,"
    yield "# `declnet plugins show dense` the keys of one."
    yield from (f"# {line}" for line in comment)
    yield ""
    yield "declnet = 1", "the version of this format"
    yield "seed = 0", "changes the split and the initial weights"


def model_section(plan: Plan) -> Iterator[Line]:
    """Yield a dense network."""
    yield "[model]"
    if plan.double:
        yield 'dtype = "float64"', "the target varies too little for its size in float32"
    if plan.table.others:
        yield f"outputs = {toml(list(plan.plans))}", "the layers that give the predictions"
    yield "layers = [  # from the input to the output"
    if plan.embedded:
        yield from category_layers("input.many" if plan.inputs else "input")
    if _table(plan) == "joined":
        inputs = 'inputs = ["vectors", "input.table"]'
        yield f'  {{ type = "concatenate", name = "joined", {inputs} }},'
    if plan.hidden:
        yield from _hidden_layers(plan)
    if plan.table.others:
        yield from _outputs(plan)
        yield "]"
        return
    if plan.columns:
        fields = f'name = "{layer_of_table(plan, plan, "")}", ' if plan.features.texts else ""
        fields += "" if plan.hidden else _first_inputs(plan)
        comment = {"classes": "one unit per class", "binary": "one unit for yes or no"}
        line = f'  {{ type = "dense", {fields}units = {plan.last_units} }},'
        yield line, comment.get(plan.table.task, "one unit, for the number")
    yield from scores_of_texts(plan, plan, "")
    if plan.table.task == "classes":
        yield '  "softmax",', "turns them into probabilities that sum to 1"
    if plan.table.task == "binary":
        yield '  "sigmoid",', "turns it into a probability"
    yield "]"


def _outputs(plan: Plan) -> Iterator[Line]:
    """Yield the layers of several outputs, which all read what the layers before them give."""
    read = "trunk" if plan.hidden else _table(plan)
    for name, head in plan.plans.items():
        target = toml(head.target.name)
        last = {"classes": "softmax", "binary": "sigmoid"}.get(head.table.task)
        if plan.columns:
            fields = f'name = "{layer_of_table(plan, head, name)}", units = {head.last_units}'
            yield f'  {{ type = "dense", {fields}, inputs = ["{read}"] }},', f"of {target}"
        yield from scores_of_texts(plan, head, name)
        if last is not None:
            yield f'  {{ type = "{last}", name = "{name}" }},', "turns that into probabilities"


def _table(plan: Plan) -> str:
    """Return what the first layer of the columns other than texts reads."""
    if plan.embedded:
        return "joined" if "table" in plan.inputs else "vectors"
    return "input.table" if plan.inputs else "input"


def _first_inputs(plan: Plan) -> str:
    """Return the inputs of that layer as a field, unless they are those by default."""
    return 'inputs = ["input.table"], ' if _table(plan) == "input.table" else ""


def _hidden_layers(plan: Plan) -> Iterator[Line]:
    sizes = plan.sizes
    trunk = ', name = "trunk"' if plan.table.others else ""
    last_relu = f'  {{ type = "relu"{trunk} }},' if trunk and not sizes.dropout else '  "relu",'
    dense = f'  {{ type = "dense", units = {sizes.units} }},'
    drop = f'  {{ type = "dropout", rate = {sizes.dropout:g} }},'
    last_drop = f'  {{ type = "dropout"{trunk}, rate = {sizes.dropout:g} }},'
    line = f'  {{ type = "dense", {_first_inputs(plan)}units = {sizes.units} }},'
    yield line, "every unit is connected to every input"
    yield '  "relu",', 'makes the network nonlinear; or "gelu", "selu", "tanh"'
    if sizes.dropout:
        yield drop, "reduces overfitting: drops units at random in training"
    yield dense, "more layers or units can learn more, but train more slowly"
    yield last_relu
    if sizes.dropout:
        yield last_drop


def category_layers(read: str) -> Iterator[Line]:
    """Yield the layers that make one vector, `vectors`, of columns of many categories.

    Args:
        read: the input of the columns, as layers name it.
    """
    embedding = f'type = "embedding", name = "embeddings", inputs = ["{read}"]'
    yield f"  {{ {embedding}, units = {CATEGORY_UNITS} }},", "a vector for each category"
    yield '  { type = "flatten", name = "vectors" },'


def loss_sections(plan: Plan) -> list[list[Line]]:
    """Return a section for the loss of each target."""
    return [[*_loss(head, name)] for name, head in plan.plans.items()]


def _loss(plan: Plan, name: str) -> Iterator[Line]:
    losses = {
        "binary": ("binary_crossentropy", 'for two classes, after "sigmoid"'),
        "classes": ("categorical_crossentropy", 'for one of several classes, after "softmax"'),
        "values": (
            "mean_squared_error",
            '"huber" and "mean_absolute_error" are less sensitive to outliers',
        ),
    }
    type_name, comment = losses[plan.table.task]
    yield from loss_head(plan, name)
    yield f'type = "{type_name}"', comment
    if plan.table.task == "classes":
        comment = "may help if some labels are wrong; log_loss shows whether it does"
        yield "# label_smoothing = 0.1", comment
        yield from ordinal_loss(plan)
    yield from counts_loss(plan)
    yield from loss_end(plan, name)


def loss_head(
    plan: Plan, name: str = "", comment: str = "what training minimizes"
) -> Iterator[Line]:
    """Yield the beginning of a loss's section, by the name in `Plan.plans`."""
    yield f"[losses.{name}]" if name else f"[loss]  # {comment}"
    if name and name != plan.target.name:
        yield f"target = {toml(plan.target.name)}", "the column to predict"


def loss_end(plan: Plan, name: str) -> Iterator[Line]:
    """Yield the end of a loss's section, the metrics and the calibration of one of several."""
    if name:
        yield f"metrics = {toml(plan.metrics)}", "measured in addition to the loss"
        if plan.calibrators:
            yield f"calibration = {{ steps = {toml(plan.calibrators)} }}", CALIBRATED


def ordinal_loss(plan: Plan) -> Iterator[Line]:
    """Yield the loss to try for classes that may have an order as a comment, if they do."""
    order = order_of_classes(plan.table)
    if order is None:
        return
    yield '# type = "ordinal"', "may suit classes with an order better, without label_smoothing;"
    named = ", class_order in [data]" if has_words(plan.table) else ""
    yield f'# and with units = {len(order) - 1} in the last layer, no "softmax"{named}'


def counts_loss(plan: Plan) -> Iterator[Line]:
    """Yield the loss to try for counts as a comment, if the target seems to hold any."""
    if not holds_counts(plan.table):
        return
    yield '# type = "poisson"', "may suit counts better; it learns the logarithm of their mean"
    yield "# and takes the counts themselves, without prepare_targets"
    if plan.target.may_be_codes:
        yield "# `declnet new --task classification` would learn each as a class, perhaps in order"


def optimizer_section(plan: Plan) -> Iterator[Line]:
    """Yield AdamW, whose learning rate falls if the schedule is installed."""
    yield "[optimizer]"
    yield 'type = "adamw"', 'or "adam", "nadam", "rmsprop"; "sgd" needs a larger learning rate'
    rate = f"{LEARNING_RATE if plan.hidden else LINEAR_RATE:g}"
    if "cosine" in plan.installed:
        rate = f'{{ type = "cosine", initial_rate = {rate} }}'
    yield f"learning_rate = {rate}", "smaller if the loss jumps"
    yield f"weight_decay = {WEIGHT_DECAY:g}", "pulls weights toward 0, to reduce overfitting"
    yield ""
    yield "[[optimizer.groups]]  # parameters that are updated differently"
    yield 'parameters = ["*.biases"]', "* is any text"
    yield "weight_decay = 0.0", "biases are left alone"
    yield from groups_of_texts(plan)


def training_section(plan: Plan) -> Iterator[Line]:
    """Yield the training, which stops early if the callback is installed."""
    sizes = plan.sizes
    stops = "early_stopping" in plan.installed and bool(sizes.validation)
    yield "[training]"
    most = ", at most" if stops else ""
    yield f"epochs = {sizes.epochs}", f"passes over the training data{most}"
    if sizes.batch_size is not None:
        yield f"batch_size = {sizes.batch_size}", "samples per step"
    yield from metrics_line(plan)
    callbacks: list[Line] = []
    if stops:
        monitor = f'monitor = "{plan.monitor}", patience = {sizes.patience}'
        callback = f'  {{ type = "early_stopping", {monitor} }},'
        callbacks.append((callback, "finishes with the best epoch for the validation data"))
    yield from callbacks_lines(plan, callbacks)


def metrics_line(plan: Plan) -> Iterator[Line]:
    """Yield the metrics of a single target, unless models share them."""
    if not plan.table.others and not plan.is_member:
        yield f"metrics = {toml(plan.metrics)}", "measured in addition to the loss"


def callbacks_lines(plan: Plan, callbacks: Sequence[Line]) -> Iterator[Line]:
    """Yield callbacks, and checkpoints unless there are several models, or too few rows."""
    lines = [*callbacks]
    if "checkpoint" in plan.installed and plan.sizes.validation and not plan.is_member:
        lines.append(('  { type = "checkpoint", every_minutes = 1 },', "for declnet resume"))
    if lines:
        yield "callbacks = ["
        yield from lines
        yield "]"


def calibration_section(plan: Plan) -> Iterator[Line]:
    """Yield the calibration of a single target: of classes, or to try for a number."""
    if plan.table.others:
        return
    if plan.calibrators:
        yield f"[calibration]  # {CALIBRATED}"
        yield f"steps = {toml(plan.calibrators)}"
        if len(plan.calibrators) > 1:
            yield "# the threshold replaces 0.5, the probability above which the class is predicted"
    elif plan.table.task == "values" and plan.sizes.validation and "conformal" in plan.installed:
        scale = ', scale = "log"' if "log" in plan.target_transforms else ""
        yield "# [calibration]  # would add an interval to each prediction, by the validation data"
        yield f'# steps = [{{ type = "conformal", coverage = 0.9{scale} }}]'
