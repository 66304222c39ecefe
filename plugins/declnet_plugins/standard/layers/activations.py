"""Activations without parameters."""

import numpy as np
from pydantic import Field

from declnet import Array, Elementwise, Layer, LayerState, OutputRange, Shape, Workspace


class Linear(Layer):
    """y = x, the activation of a regression's last layer; dx = dy.

    x, y: (n, *shape). The same as the book's (chapter 17) and PyTorch's Identity.
    """

    type = "linear"
    other_types = ("identity",)
    backward_needs = frozenset()
    in_place = True
    memory_order = "any"
    output_range = "input"
    is_linear = True

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = x."""
        if y is not x:
            np.copyto(y, x)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy."""
        if dx is not None and dx is not dy:
            np.copyto(dx, dy)


class ReLU(Layer):
    """y = max(x, 0); its gradient is 0 where x <= 0.

    x, y: (n, *shape). The same as the book's (chapters 4 and 9), PyTorch's ReLU and Keras's relu.

    Source: Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML
    2010.
    """

    type = "relu"
    other_types = ("rectifier", "rectified_linear")
    backward_needs = frozenset({"y"})
    in_place = True
    memory_order = "any"
    output_range = OutputRange(low=0)

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for y > 0, and zeros: np.maximum is 5 times faster than with a number."""
        return {
            "positive": Workspace(input_shape, dtype=bool),
            "zeros": Workspace(input_shape, fill=0.0, constant=True),
        }

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = max(x, 0)."""
        np.maximum(x, state.zeros, out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy where y > 0, else 0 (a product: masked writes are ten times slower)."""
        if dx is not None:
            np.greater(y, 0, out=state.positive)
            np.multiply(dy, state.positive, out=dx)


class LeakyReLU(Elementwise):
    """y = x where x > 0, negative_slope * x elsewhere, so that no unit dies.

    x, y: (n, *shape). At 0 the gradient is `negative_slope`. PyTorch's `LeakyReLU` is the same, but
    takes any slope; Keras's starts from a `negative_slope` of 0.3.

    Source: Maas, Hannun, Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models",
    ICML 2013.
    """

    type = "leaky_relu"
    examples = ({}, {"negative_slope": 0.2})
    backward_needs = frozenset({"y"})
    in_place = True
    output_range = OutputRange()

    negative_slope: float = Field(default=0.01, ge=0, le=1, description="slope where x <= 0")

    def value(self, x: Array, y: Array, scratch: Array) -> None:
        """y = max(x, negative_slope * x), for a slope of at most 1."""
        np.multiply(x, self.negative_slope, out=scratch)
        np.maximum(x, scratch, out=y)

    def derivative(self, x: None, y: Array, slope: Array) -> None:
        """Slope = max(1 where y > 0, negative_slope); y has the sign of x."""
        np.greater(y, 0, out=slope)
        np.maximum(slope, self.negative_slope, out=slope)


class _ExponentialUnit(Layer):
    """y = right * x where x > 0, left * (exp(x) - 1) elsewhere, for the numbers of `_sides`."""

    backward_needs = frozenset({"y"})
    in_place = True
    memory_order = "any"

    def _sides(self) -> tuple[float, float]:
        """Return the slope right of 0, and the slope at 0 from the left."""
        raise NotImplementedError

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for the slope dy/dx, also used by forward, and its step at 0, if any."""
        right, left = self._sides()
        names = ("slope",) if right == left else ("slope", "step")
        return {name: Workspace(input_shape) for name in names}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = right * max(x, 0) + left * (exp(min(x, 0)) - 1)."""
        (right, left), negative = self._sides(), state.slope
        np.minimum(x, 0, out=negative)
        np.expm1(negative, out=negative)
        np.multiply(negative, left, out=negative)
        np.maximum(x, 0, out=y)
        if right != 1:
            np.multiply(y, right, out=y)
        np.add(y, negative, out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * (min(y, 0) + left + (right - left where y > 0))."""
        if dx is None:
            return
        (right, left), slope = self._sides(), state.slope
        np.minimum(y, 0, out=slope)
        np.add(slope, left, out=slope)
        if right != left:
            np.greater(y, 0, out=state.step)
            np.multiply(state.step, right - left, out=state.step)
            np.add(slope, state.step, out=slope)
        np.multiply(dy, slope, out=dx)


class ELU(_ExponentialUnit):
    """y = x where x > 0, alpha * (exp(x) - 1) elsewhere.

    dy/dx = 1 where y > 0, y + alpha elsewhere. x, y: (n, *shape). The same as PyTorch's `ELU` and
    Keras's `ELU`.

    Source: Clevert, Unterthiner, Hochreiter, "Fast and Accurate Deep Network Learning by
    Exponential Linear Units (ELUs)", ICLR 2016, arXiv:1511.07289.
    """

    type = "elu"
    examples = ({}, {"alpha": 0.5})
    output_range = OutputRange()  # from -alpha, which differs

    alpha: float = Field(default=1.0, ge=0, description="-alpha is the limit for negative x")

    def _sides(self) -> tuple[float, float]:
        return 1.0, self.alpha


SCALE = 1.0507009873554804934193349852946
ALPHA = 1.6732632423543772848170429916717


class SELU(_ExponentialUnit):
    """y = SCALE * x where x > 0, SCALE * ALPHA * (exp(x) - 1) elsewhere.

    SCALE = 1.0507… and ALPHA = 1.6732… make mean 0 and variance 1 a fixed point from layer to
    layer, if weights start with variance 1 / inputs. dy/dx = SCALE where y > 0, y + SCALE * ALPHA
    elsewhere. x, y: (n, *shape). The same as PyTorch's `SELU` and Keras's `selu`.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", NeurIPS 2017, arXiv:1706.02515.
    """

    type = "selu"
    output_range = OutputRange(low=-SCALE * ALPHA)

    def _sides(self) -> tuple[float, float]:
        return SCALE, SCALE * ALPHA


class Softplus(Elementwise):
    """y = log(1 + exp(beta * x)) / beta, above 0; dy/dx = 1 - exp(-beta * y).

    x, y: (n, *shape). PyTorch's `Softplus(beta)` takes y = x where beta * x > 20, its `threshold`,
    and so is up to 2e-9 / beta smaller there; here the formula holds everywhere. Keras's `softplus`
    has a beta of 1.

    Source: Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option
    Pricing", NeurIPS 2000.
    """

    type = "softplus"
    examples = ({}, {"beta": 2.0})
    backward_needs = frozenset({"y"})
    in_place = True
    output_range = OutputRange(low=0)

    beta: float = Field(default=1.0, gt=0, description="the larger, the sharper the bend at 0")

    def value(self, x: Array, y: Array, scratch: Array) -> None:
        """y = max(x, 0) + log(1 + exp(-beta * |x|)) / beta: nothing overflows."""
        np.absolute(x, out=scratch)
        np.multiply(scratch, -self.beta, out=scratch)
        np.exp(scratch, out=scratch)
        np.log1p(scratch, out=scratch)
        np.divide(scratch, self.beta, out=scratch)
        np.maximum(x, 0, out=y)
        np.add(y, scratch, out=y)

    def derivative(self, x: None, y: Array, slope: Array) -> None:
        """Slope = 1 - exp(-beta * y), which is the sigmoid of beta * x."""
        np.multiply(y, -self.beta, out=slope)
        np.expm1(slope, out=slope)
        np.negative(slope, out=slope)


def _fill_logistic(x: Array, out: Array, scratch: Array) -> None:
    """out = 1 / (1 + exp(-x)), exact to the last digits at both ends; nothing overflows.

    With e = exp(-|x|) <= 1 it is 1 / (1 + e) where x >= 0, and e / (1 + e) elsewhere. `out` may be
    `x`; `scratch` is another array of that shape.
    """
    np.absolute(x, out=scratch)
    np.negative(scratch, out=scratch)
    np.exp(scratch, out=scratch)
    np.greater_equal(x, 0, out=out)
    np.maximum(out, scratch, out=out)
    np.add(scratch, 1, out=scratch)
    np.divide(out, scratch, out=out)


class Sigmoid(Elementwise):
    """y = 1 / (1 + exp(-x)), from 0 to 1; dy/dx = y * (1 - y).

    x, y: (n, *shape). The same as the book's (chapter 16), PyTorch's `Sigmoid` and Keras's
    `sigmoid`.
    """

    type = "sigmoid"
    other_types = ("logistic",)
    backward_needs = frozenset({"y"})
    in_place = True
    output_range = OutputRange(0, 1)

    def value(self, x: Array, y: Array, scratch: Array) -> None:
        """y = 1 / (1 + exp(-x))."""
        _fill_logistic(x, y, scratch)

    def derivative(self, x: None, y: Array, slope: Array) -> None:
        """Slope = y * (1 - y)."""
        np.subtract(1, y, out=slope)
        np.multiply(slope, y, out=slope)


class HardSigmoid(Layer):
    """y = 0 where x < -3, 1 where x > 3, (x + 3) / 6 between.

    dy/dx = 1/6 where 0 < y < 1, 0 elsewhere. x, y: (n, *shape). The same as PyTorch's `HardSigmoid`
    and as in Keras 3, relu6(x + 3) / 6; Keras 2 had 0.2 * x + 0.5, from 0 to 1.

    Source: Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244.
    """

    type = "hard_sigmoid"
    backward_needs = frozenset({"y"})
    in_place = True
    memory_order = "any"
    output_range = OutputRange(0, 1)

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for masks of y > 0 and y < 1."""
        mask = Workspace(input_shape, dtype=bool)
        return {"above_zero": mask, "below_one": mask}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = (x + 3) / 6, clipped to [0, 1]."""
        np.add(x, 3, out=y)
        np.divide(y, 6, out=y)
        np.clip(y, 0, 1, out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy / 6 where 0 < y < 1, else 0."""
        if dx is not None:
            between = state.above_zero
            np.greater(y, 0, out=between)
            np.less(y, 1, out=state.below_one)
            np.logical_and(between, state.below_one, out=between)
            np.multiply(dy, between, out=dx)
            np.divide(dx, 6, out=dx)


class Tanh(Elementwise):
    """y = tanh(x), from -1 to 1; dy/dx = 1 - y**2.

    x, y: (n, *shape). The same as PyTorch's `Tanh` and Keras's `tanh`.
    """

    type = "tanh"
    backward_needs = frozenset({"y"})
    in_place = True
    output_range = OutputRange(-1, 1)

    def value(self, x: Array, y: Array, scratch: Array) -> None:
        """y = tanh(x)."""
        np.tanh(x, out=y)

    def derivative(self, x: None, y: Array, slope: Array) -> None:
        """Slope = 1 - y**2."""
        np.multiply(y, y, out=slope)
        np.subtract(1, slope, out=slope)


class SiLU(Layer):
    """y = x * s, s = 1 / (1 + exp(-x)); dy/dx = s + y * (1 - s).

    x, y, s: (n, *shape). The same as PyTorch's `SiLU` and Keras's `silu` (or `swish`).

    Source: Elfwing, Uchibe, Doya, "Sigmoid-Weighted Linear Units for Neural Network Function
    Approximation in Reinforcement Learning", Neural Networks 107, 2018, arXiv:1702.03118.
    """

    type = "silu"
    other_types = ("swish",)
    backward_needs = frozenset({"y"})
    memory_order = "any"
    output_range = OutputRange(low=-0.28)  # its minimum is -0.2785

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for the sigmoid s, which backward reuses."""
        return {"sigmoid": Workspace(input_shape)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = x * s."""
        _fill_logistic(x, state.sigmoid, scratch=y)
        np.multiply(x, state.sigmoid, out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * (s + y * (1 - s))."""
        if dx is not None:
            np.subtract(1, state.sigmoid, out=dx)
            np.multiply(dx, y, out=dx)
            np.add(dx, state.sigmoid, out=dx)
            np.multiply(dx, dy, out=dx)


class Mish(Layer):
    """y = x * t, t = tanh(log(1 + exp(x))); dy/dx = t + x * (1 - t**2) / (1 + exp(-x)).

    With e = exp(x) and d = e**2 + 2 e + 2, t = (d - 2) / d and dy/dx = t + 4 x e (1 + e) / d**2.

    x, y: (n, *shape). The same as PyTorch's `Mish` and Keras's `mish`.

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", BMVC 2020,
    arXiv:1908.08681.
    """

    type = "mish"
    backward_needs = frozenset()
    memory_order = "any"
    output_range = OutputRange(low=-0.31)  # its minimum is -0.3088

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for the slope dy/dx, passed from forward to backward, and for e and d."""
        return {"slope": Workspace(input_shape), "part": Workspace(input_shape)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Fill y and, in training, the slope; from x = 20 on, t and the slope round to 1."""
        e = d = state.part
        np.minimum(x, 20, out=y)
        np.exp(y, out=e)
        if state.training:
            slope = state.slope
            np.add(e, 1, out=slope)
            np.multiply(slope, e, out=slope)
            np.multiply(slope, y, out=slope)
        np.add(e, 2, out=y)
        np.multiply(y, e, out=y)
        np.add(y, 2, out=d)
        if state.training:
            np.divide(slope, d, out=slope)
            np.multiply(slope, 4, out=slope)
            np.divide(slope, d, out=slope)
        np.divide(y, d, out=y)
        if state.training:
            np.add(slope, y, out=slope)
        np.multiply(x, y, out=y)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * slope."""
        if dx is not None:
            np.multiply(dy, state.slope, out=dx)


class Softmax(Layer):
    """y = exp(x - max x) / sum exp(x - max x), over the classes: (n, classes).

    For sequences, (n, steps, classes), over the classes of each step.

    dx = y * (dy - sum(dy * y)), for each sample the product of dy with the Jacobian
    diag(y) - y y.T. Directly before categorical_crossentropy, a kernel computes the gradient of
    both, (y - y_true) / n. The same as the book's (chapters 4 and 9), PyTorch's `Softmax(dim=-1)`
    and Keras's.
    """

    type = "softmax"
    backward_needs = frozenset({"y"})
    in_place = True
    output_range = OutputRange(0, 1, sums_to_one=True)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; raise ValueError for images."""
        if len(input_shape) not in (1, 2):
            raise ValueError(
                f"softmax takes samples (classes,) or (steps, classes), not {input_shape}; put a "
                "flatten and a dense before it"
            )
        return input_shape

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for one number per sample or step, for maxima and sums."""
        return {"row": Workspace(input_shape[:-1])}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Compute y, subtracting the largest logit first so that no exponential overflows."""
        fill_softmax(x, y, state.row)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = y * (dy - sum(dy * y)), the product with the Jacobian diag(y) - y y.T."""
        if dx is not None:
            row = state.row
            np.einsum("...k,...k->...", dy, y, out=row)
            np.subtract(dy, row[..., None], out=dx)
            np.multiply(dx, y, out=dx)


def fill_softmax(x: Array, y: Array, row: Array) -> None:
    """y = exp(x - max x) / sum exp(x - max x) over the last axis; row holds maxima and sums."""
    np.maximum.reduce(x, axis=-1, out=row)
    np.subtract(x, row[..., None], out=y)
    np.exp(y, out=y)
    np.add.reduce(y, axis=-1, out=row)
    np.divide(y, row[..., None], out=y)
