"""The template of images: an example, and a small residual network for images of your own."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from declnet import DataError, Registry
from declnet_plugins.new import ArraysProfile
from declnet_plugins.standard.templates.commented_toml import Line, joined, toml
from declnet_plugins.standard.templates.examples import SCIKIT_LEARN, ExampleTemplate

SHORTEST_SIDE = 4
"""Pixels of a side below which an array is taken for something else than images."""

WIDTHS = (16, 32, 64)
"""Filters of the first layer, and of the blocks on finer and on coarser images."""

SMALL_SIDE = 12
"""Pixels of the shorter side up to which the first blocks read whole images."""

SAMPLE_EPOCHS, FEWEST_EPOCHS, MOST_EPOCHS = 70_000, 10, 40
"""About how many images all epochs read, and limits for the number of epochs."""

STREAMED = 2**30
"""Bytes of prepared images from which on they are read from their files in each epoch."""

VALIDATION, TEST, RATE = 0.1, 0.2, 0.003

BATCH_SIZE, FEWEST_STEPS = 64, 8
"""The largest batch, and the steps of an epoch below which batches are smaller."""


@dataclass(frozen=True)
class Images:
    """The choices for images.

    Attributes:
        arrays: what the images are.
        classes: the number of classes.
        installed: the types of installed components.
    """

    arrays: ArraysProfile
    classes: int
    installed: frozenset[str] = frozenset()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        channels, height, width = self.arrays.info.sample_shape
        return channels, height, width

    @property
    def side(self) -> int:
        """The shorter side, in pixels."""
        return min(self.shape[1:])

    @property
    def is_streamed(self) -> bool:
        """Whether the prepared images may be too large for memory."""
        samples = self.arrays.info.samples
        return samples is not None and 4 * samples * prod(self.shape) > STREAMED

    @property
    def test(self) -> float:
        """The fraction of the images to measure the model on."""
        test, folds = self.arrays.test, self.arrays.folds
        return (0.0 if folds and folds > 1 else TEST) if test is None else test

    @property
    def training_samples(self) -> int:
        """About how many images a model learns from."""
        folds = self.arrays.folds or 1
        held_out = self.test + (1 / folds if folds > 1 else VALIDATION)
        return round((1 - held_out) * (self.arrays.info.samples or SAMPLE_EPOCHS))

    @property
    def epochs(self) -> int:
        """The number of epochs: more for fewer images."""
        epochs = SAMPLE_EPOCHS // max(self.training_samples, 1)
        return min(MOST_EPOCHS, max(FEWEST_EPOCHS, epochs))

    @property
    def batch_size(self) -> int:
        """A power of two, so that an epoch has some steps even for few images."""
        size = BATCH_SIZE
        while size > 2 and FEWEST_STEPS * size > self.training_samples:
            size //= 2
        return size


class ImagesTemplate(ExampleTemplate):
    """Convolutions: your images (--data FOLDER), or handwritten digits (needs scikit-learn)."""

    type = "images"
    requires = (SCIKIT_LEARN,)
    default_for = "arrays"

    def spec_for_arrays(self, arrays: ArraysProfile, registry: Registry) -> str:
        """Return a residual network, with augmentation and calibration."""
        images = _images(
            arrays, frozenset((*registry.types("schedule"), *registry.types("calibrator")))
        )
        sections = (_head, _data, _model, _optimizer, _training)
        return joined([*section(images)] for section in sections)

    def notes_for_arrays(self, arrays: ArraysProfile) -> tuple[str, ...]:
        """Return what was read, and whether images are scaled or flipped."""
        images = _images(arrays)
        channels, height, width = images.shape
        samples = "" if arrays.info.samples is None else f"{arrays.info.samples:,} "
        color = "gray" if channels == 1 else "color"
        cropped = ", scaled and cropped to one shape" if arrays.source.get("crop") else ""
        read = f"{samples}images in {images.classes} classes, {width} x {height} pixels in {color}"
        flipped = "training images are mirrored at random; remove flip if left and right matter"
        return (f"{read}{cropped}", *([flipped] if channels == 3 else []))


def _images(arrays: ArraysProfile, installed: frozenset[str] = frozenset()) -> Images:
    """Return the choices for images; raise DataError for other arrays."""
    info = arrays.info
    shape = info.sample_shape
    is_image = len(shape) == 3 and shape[0] in (1, 3) and min(shape[1:]) >= SHORTEST_SIDE
    if not is_image or len(info.inputs) != 1 or len(info.targets) != 1:
        what = f"samples of shape {shape}" if shape else "several arrays"
        raise DataError(
            f"holds {what}, not a table or images (channels, height, width)",
            hint="write a spec from a template and name the file in it: `declnet new --help` lists "
            "them",
        )
    classes = info.classes or (info.labels[1] + 1 if info.labels else 0)
    if info.target != "classes" or classes < 2:
        raise DataError("holds images without two classes or more")
    return Images(arrays, classes, installed)


def _head(images: Images) -> Iterator[Line]:
    yield f"# Predicts which of {images.classes} classes an image shows. Written by `declnet new`;"
    yield "# change what you like. `declnet plugins show conv2d` lists the keys of a layer."
    yield "declnet = 1", "the version of this format"
    yield "seed = 0", "changes the split, the weights and the augmentation"
    loss = '{ type = "categorical_crossentropy", label_smoothing = 0.1 }'
    yield f"loss = {loss}", "trusts each label a little less"
    if "temperature" in images.installed:
        comment = "makes probabilities as certain as they are right"
        yield 'calibration = { steps = ["temperature"] }', comment


def _data(images: Images) -> Iterator[Line]:
    arrays = images.arrays
    yield "[data]"
    yield f"train = {toml(dict(arrays.source))}"
    if arrays.folds is not None and arrays.folds > 1:
        yield f"folds = {arrays.folds}", "models, each validated on a part of the images"
    else:
        yield f"validation = {VALIDATION:g}", "held out to watch and to calibrate the model"
    if images.test:
        yield f"test = {images.test:g}", "held out to measure it at the end"
    if images.is_streamed:
        yield "stream = true", "reads images from their files, as they may not fit in memory"
    else:
        yield 'split = { method = "stratified" }', "with the same shares of the classes"
    channels = images.shape[0]
    shift = max(1, round(images.side / 14))
    flip = "flip = true, " if channels == 3 else ""
    scaled = '"normalize", ' if arrays.info.dtype == "integer" else ""  # bytes to 0 to 1
    more = (
        "without flip if left and right matter"
        if flip
        else "with flip = true, too, except for text"
    )
    yield f"# augment varies the training images in each epoch; {more}"
    yield f'prepare = [{scaled}{{ type = "augment", {flip}shift = {shift}, crop = 0.8 }}]'


def _model(images: Images) -> Iterator[Line]:
    first, fine, coarse = WIDTHS
    stride = 1 if images.side <= 40 else 2 if images.side <= 96 else 4
    kernel = 3 if stride == 1 else 2 * stride + 1
    strided = f", stride = {stride}" if stride > 1 else ""
    pool = '  { type = "max_pool2d", pool_size = 2 },', "halves height and width"
    yield "[model]"
    yield "layers = [  # from the input to the output"
    if images.side > SMALL_SIDE:
        yield f"  {_convolution(first, kernel, strided)},"
        yield pool
    yield f"  {_convolution(fine)},"
    yield from _block("fine", fine)
    yield pool
    yield f"  {_convolution(coarse)},"
    yield from _block("coarse", coarse)
    yield '  "batch_norm", "relu", "global_average_pool2d",'
    yield f'  {{ type = "dense", units = {images.classes} }}, "softmax",', "one unit per class"
    yield "]"


def _block(name: str, filters: int) -> Iterator[Line]:
    """Yield a residual block, whose layers' result is added to what they read."""
    line = f'  {{ name = "{name}", repeat = 1, residual = true, layers = [{{ repeat = 2, layers = ['
    yield line
    yield f'    "batch_norm", "relu", {_convolution(filters)},'
    yield "  ] }] },"


def _convolution(filters: int, kernel: int = 3, more: str = "") -> str:
    fields = f'filters = {filters}, kernel_size = {kernel}, padding = "same"{more}'
    return f'{{ type = "conv2d", {fields} }}'


def _optimizer(images: Images) -> Iterator[Line]:
    rate = f"{RATE:g}"
    if "cosine" in images.installed:
        rate = f'{{ type = "cosine", initial_rate = {rate} }}'
    yield "[optimizer]"
    yield 'type = "adamw"'
    yield f"learning_rate = {rate}", "smaller if the loss jumps"


def _training(images: Images) -> Iterator[Line]:
    yield "[training]"
    yield f"epochs = {images.epochs}", "passes over the training images"
    yield f"batch_size = {images.batch_size}", "images per step"
    yield 'metrics = ["accuracy"]', "measured in addition to the loss"
