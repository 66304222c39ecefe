"""The report's section of example pictures: those that are misclassified, and some that are not."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import numpy as np

from declnet import Array, Dataset, DeclnetError, StoredRun, escaped, format_cell
from declnet_plugins.report import ReportPanel, png_address
from declnet_plugins.standard.data.image_folder import even_positions

MOST_SAMPLES = 10_000
"""Maximum number of samples to predict; of more, some are taken at equal distances."""

MOST_WRONG, MOST_RIGHT = 24, 12
"""Maximum number of pictures of each kind."""

SMALLEST, LARGEST, SHOWN = 4, 1024, 96
"""Pixels of a side that a picture has at least and at most, and of the longer one as shown."""


@dataclass(frozen=True)
class Picture:
    """A picture with its classes.

    Attributes:
        pixels: (channels, height, width), bytes.
        true: the name of its class.
        predicted: the name of the predicted class.
        probability: of the predicted class; None if the model has none.
        name: its file, or its number in the data.
    """

    pixels: Array
    true: str
    predicted: str
    probability: float | None
    name: str


class ExamplePictures(ReportPanel):
    """Pictures of the data that the model was evaluated on, the misclassified ones first."""

    type = "example_pictures"
    title = "Example pictures"

    def render(self, run: StoredRun) -> str | None:
        """Return the pictures, or None if the run does not classify images."""
        try:
            predictor = run.predictor()
            inputs = [*predictor.model.inputs.values()]
        except DeclnetError:
            return None  # the page says why at its predictions
        is_one = len(inputs) == len(predictor.readings) == 1
        if not is_one or predictor.reading.task not in ("classes", "binary"):
            return None
        if not _is_picture(inputs[0].shape):
            return None
        (name,) = run.evaluated_on
        data = run.raw_sets()[name]
        if not isinstance(data, Dataset) or data.inputs.keys() != {""}:
            return None
        return _shown(run, name, data)


def _is_picture(shape: tuple[int, ...]) -> bool:
    """Return whether samples of a shape are gray or colored pictures."""
    is_image = len(shape) == 3 and shape[0] in (1, 3)
    return is_image and min(shape[1:]) >= SMALLEST and max(shape[1:]) <= LARGEST


def _shown(run: StoredRun, name: str, data: Dataset) -> str:
    """Return the pictures of a data set as HTML."""
    reading = run.predictor().reading
    positions = even_positions(len(data), MOST_SAMPLES)
    predicted = run.predictions(name, positions)
    true, labels = reading.true_labels(predicted.y), reading.labels(predicted.outputs)
    answer = reading.read(predicted.outputs)
    certainty = (
        np.ones(len(labels))
        if answer.probabilities is None
        else answer.probabilities[np.arange(len(labels)), labels]
    )
    names, classes = _names(run, name), reading.class_names or ()
    is_wrong = true != labels
    wrong = np.flatnonzero(is_wrong)
    wrong = wrong[np.argsort(-certainty[wrong], kind="stable")]
    right = np.flatnonzero(~is_wrong)
    right = right[np.argsort(certainty[right], kind="stable")]

    def pictures(chosen: Array) -> Iterator[Picture]:
        for index in chosen.tolist():
            position = int(positions[index])
            number = data.row_number(position)
            yield Picture(
                _bytes(np.asarray(data.inputs[""][position : position + 1])[0]),
                classes[true[index]],
                classes[labels[index]],
                None if answer.probabilities is None else float(certainty[index]),
                f"sample {number}" if names is None else names[number - 1],
            )

    some = "" if len(positions) == len(data) else f" of {format_cell(len(data))}"
    counts = f"{format_cell(len(wrong))} of {format_cell(len(positions))} samples"
    parts = [
        f'<p class="note">On the {escape(name)} data, {counts}{some} are misclassified; those '
        "that the model was most certain about come first.</p>",
        _grid("Misclassified", pictures(wrong[:MOST_WRONG])),
        _grid("Correct, but least certain", pictures(right[:MOST_RIGHT])),
    ]
    return "".join(parts)


def _names(run: StoredRun, name: str) -> tuple[str, ...] | None:
    """Return the names of the samples that a data set was taken from, or None."""
    source = run.spec.data.sources.get(name) or run.spec.data.train
    try:
        return None if source is None else source.sample_names()
    except DeclnetError:
        return None


def _grid(title: str, pictures: Iterator[Picture]) -> str:
    """Return pictures with their captions, or nothing if there are none."""
    items = "".join(map(_item, pictures))
    if not items:
        return ""
    style = (
        "list-style:none;padding:0;margin:0 0 18px;display:grid;gap:14px;"
        f"grid-template-columns:repeat(auto-fill,minmax({SHOWN + 24}px,1fr))"
    )
    return f'<h3 style="margin-bottom:8px">{title}</h3><ul style="{style}">{items}</ul>'


def _item(picture: Picture) -> str:
    height, width = picture.pixels.shape[1:]
    scale = SHOWN / max(height, width)
    size = f'width="{max(1, round(scale * width))}" height="{max(1, round(scale * height))}"'
    true, predicted, name = (
        escape(escaped(text)) for text in (picture.true, picture.predicted, picture.name)
    )
    certain = "" if picture.probability is None else f" ({picture.probability:.2f})"
    if picture.true == picture.predicted:
        classes = f"<b>{true}</b>{certain}"
        words = f"{name}: {true}, predicted correctly"
    else:
        classes = f"<b>{true}</b>, predicted {predicted}{certain}"
        words = f"{name}: {true}, predicted {predicted}"
    return (
        f'<li><img src="{png_address(_opaque(picture.pixels))}" alt="{words}" title="{name}" '
        f'{size} style="image-rendering:pixelated;display:block;margin-bottom:4px">'
        f'<span style="font-size:0.85rem;overflow-wrap:anywhere">{classes}</span></li>'
    )


def _bytes(pixels: Array) -> Array:
    """Return an image in bytes: as it is, or from its smallest number to its largest."""
    if pixels.dtype == np.uint8:
        return pixels
    low, high = float(pixels.min()), float(pixels.max())
    return np.round((pixels - low) * (255 / ((high - low) or 1))).astype(np.uint8)


def _opaque(pixels: Array) -> Array:
    """Return an image as red, green, blue and opacity, (height, width, 4)."""
    _, height, width = pixels.shape
    colored = np.full((height, width, 4), 255, np.uint8)
    colored[..., :3] = pixels.transpose(1, 2, 0)
    return colored
