"""LAMB and Muon: update rules that look at whole parameters, by their norm or as matrices."""

from collections.abc import Iterator
from math import prod, sqrt

import numpy as np
from pydantic import Field

from declnet import (
    Array,
    Diagnostic,
    LearningRate,
    Optimizer,
    OptimizerState,
    ParameterInfo,
    RunContext,
    Shape,
)


class LAMB(Optimizer):
    """w -= learning_rate * |w| / |u| * u: Adam's step, as long as the parameter asks for.

    u = m' / (sqrt(v') + epsilon) + weight_decay * w,  m' = m / (1 - beta_1**step), v' likewise
    m = beta_1 * m + (1 - beta_1) * dw,                v = beta_2 * v + (1 - beta_2) * dw**2

    |.| is the norm of a whole parameter; where |w| or |u| is 0, their ratio counts as 1. Meant for
    large batches. Biases and scales are usually put in a group with another optimizer.
    You et al., Large Batch Optimization for Deep Learning: Training BERT in 76 minutes, ICLR 2020,
    algorithm 2 with the identity for phi.
    """

    type = "lamb"
    examples = ({}, {"learning_rate": 0.02, "weight_decay": 0.0})
    usual_learning_rates = (1e-5, 0.1)
    per_parameter = True

    learning_rate: LearningRate = 0.001
    beta_1: float = Field(default=0.9, ge=0, lt=1, description="fraction of m kept each step")
    beta_2: float = Field(default=0.999, ge=0, lt=1, description="fraction of v kept each step")
    epsilon: float = Field(default=1e-6, gt=0, description="added to the root to avoid 0 / 0")
    weight_decay: float = Field(default=0.01, ge=0, description="share of w in the step")

    def state_names(self) -> tuple[str, ...]:
        """Return the names of the means of gradients and of their squares."""
        return ("m", "v")

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """Take Adam's step u with the length learning_rate * |w|."""
        m, v, (u, size) = state.m, state.v, state.scratch
        np.multiply(m, self.beta_1, out=m)
        np.multiply(dw, 1 - self.beta_1, out=u)
        np.add(m, u, out=m)
        np.multiply(dw, dw, out=dw)
        np.multiply(v, self.beta_2, out=v)
        np.multiply(dw, 1 - self.beta_2, out=u)
        np.add(v, u, out=v)
        np.multiply(v, 1 / (1 - self.beta_2**step), out=size)
        np.sqrt(size, out=size)
        np.add(size, self.epsilon, out=size)
        np.multiply(m, 1 / (1 - self.beta_1**step), out=u)
        np.divide(u, size, out=u)
        np.multiply(w, self.weight_decay, out=size)
        np.add(u, size, out=u)
        long, short = (sqrt(float(np.vdot(vector, vector))) for vector in (w, u))
        ratio = long / short if long > 0 and short > 0 else 1.0
        np.multiply(u, learning_rate * ratio, out=u)
        np.subtract(w, u, out=w)


class Muon(Optimizer):
    """w -= learning_rate * sqrt(max(1, outputs / inputs)) * orthogonal(u).

    momentum = beta * momentum + (1 - beta) * dw
    u = beta * momentum + (1 - beta) * dw with nesterov, else momentum

    orthogonal(u) is near the closest matrix whose singular values are all 1, by `iterations` of
    Newton and Schulz: x = 3.4445 * x - 4.7750 * x xT x + 2.0315 * x xT x xT x, from x = u / |u|.
    The iteration does not converge, but takes the singular values to between 0.7 and 1.2 fast.
    Filters (outputs, …) become a matrix with one row per filter; the factor is computed from their
    last two axes, as in the reference.

    Only for weights, not for biases and scales, which belong in a group with another optimizer.
    As in the reference, in the model's type where it uses bfloat16: Jordan et al., Muon, 2024,
    kellerjordan.github.io/posts/muon.
    """

    type = "muon"
    examples = ({}, {"learning_rate": 0.05, "nesterov": False, "weight_decay": 0.01})
    usual_learning_rates = (1e-4, 0.2)
    per_parameter = True

    learning_rate: LearningRate = 0.02
    beta: float = Field(default=0.95, ge=0, lt=1, description="fraction of the momentum kept")
    nesterov: bool = Field(default=True, description="whether the momentum looks ahead")
    iterations: int = Field(default=5, ge=1, description="steps of the orthogonalization")
    weight_decay: float = Field(
        default=0.0, ge=0, description="fraction of w removed each step, times the learning rate"
    )

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Refuse parameters that are not matrices, then check as all optimizers do."""
        refused = [parameter for parameter in context.parameters if not _is_matrix(parameter)]
        if refused:
            accepted = {parameter.name for parameter in context.parameters} - {
                parameter.name for parameter in refused
            }
            first, others = refused[0], len(refused) - 1
            more = f" (and {others} more)" if others else ""
            yield Diagnostic(
                f"muon updates matrices of weights, but {first.name} of shape {first.shape} is "
                f"a {first.role}{more}",
                "add [[optimizer.groups]] with "
                f'parameters = {_patterns(refused, accepted)} and type = "adamw"',
                ("type",),
            )
        yield from super().check(context)

    def state_names(self) -> tuple[str, ...]:
        """Return the name of the mean of gradients."""
        return ("momentum",)

    def workspace_shapes(self, parameter: ParameterInfo) -> dict[str, Shape]:
        """Return the shapes of the iteration's matrices: x, its next value, and two small ones."""
        rows, columns = sorted(_matrix_shape(parameter.shape))
        wide, small = (rows, columns), (rows, rows)
        return {"x": wide, "next_x": wide, "product": small, "square": small}

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """Move w against the orthogonalized momentum."""
        momentum, (u, change) = state.momentum, state.scratch
        np.multiply(momentum, self.beta, out=momentum)
        np.multiply(dw, 1 - self.beta, out=dw)
        np.add(momentum, dw, out=momentum)
        np.multiply(momentum, self.beta if self.nesterov else 1.0, out=u)
        if self.nesterov:
            np.add(u, dw, out=u)
        matrix = u.reshape(_matrix_shape(w.shape))
        is_tall = matrix.shape[0] > matrix.shape[1]
        orthogonal = self._orthogonal(matrix.T if is_tall else matrix, state)
        inputs, outputs = w.shape if w.ndim == 2 else (w.shape[-1], w.shape[-2])
        factor = learning_rate * sqrt(max(1.0, outputs / inputs))
        np.multiply(
            orthogonal.T if is_tall else orthogonal, factor, out=change.reshape(matrix.shape)
        )
        if self.weight_decay:
            np.multiply(w, 1 - learning_rate * self.weight_decay, out=w)
        np.subtract(w, change, out=w)

    def _orthogonal(self, matrix: Array, state: OptimizerState) -> Array:
        """Return the orthogonalized matrix, (rows, columns) with at most as many rows."""
        x, following, product, square = state.x, state.next_x, state.product, state.square
        np.multiply(matrix, 1 / (sqrt(float(np.sum(np.square(matrix, out=x)))) + 1e-7), out=x)
        for _ in range(self.iterations):
            np.matmul(x, x.T, out=product)
            np.matmul(product, product, out=square)
            np.multiply(square, 2.0315, out=square)
            np.multiply(product, -4.7750, out=product)
            np.add(product, square, out=product)
            np.matmul(product, x, out=following)
            np.multiply(x, 3.4445, out=x)
            np.add(x, following, out=x)
        result: Array = x
        return result


def _is_matrix(parameter: ParameterInfo) -> bool:
    return parameter.role == "weight" and len(parameter.shape) >= 2


def _matrix_shape(shape: Shape) -> tuple[int, int]:
    """Return the shape of a parameter as a matrix: itself, or a row for each filter."""
    return (shape[0], prod(shape[1:]))


def _patterns(refused: list[ParameterInfo], accepted: set[str]) -> str:
    """Return the patterns of parameters, as in a spec, by their last part where that suffices."""
    patterns: dict[str, None] = {}
    for parameter in refused:
        last = parameter.name.rpartition(".")[2]
        alone = not any(name.rpartition(".")[2] == last for name in accepted)
        patterns[f"*.{last}" if alone else parameter.name] = None
    return "[" + ", ".join(f'"{pattern}"' for pattern in patterns) + "]"
