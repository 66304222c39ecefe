"""A loss of classes with an order, such as grades: cumulative logits."""

import numpy as np

from declnet import Array, Loss


class Ordinal(Loss):
    """losses = -log(P(class = y)), with P(class > k) = sigmoid(a_k) for classes in order.

    y_pred z: (n, classes - 1), any numbers: a_0 = z_0 and a_k = a_(k-1) - softplus(z_k), so that
    P(class > k) falls with k. y: labels 0 to classes - 1 in their order, (n,), or one-hot rows. The
    texts of a table have an order by `data.class_order`. Metrics and `predict` get the probability
    of each class, (n, classes).

    McCullagh, Regression Models for Ordinal Data, 1980: the cumulative logit model, here with
    distances between the cut points that may depend on x.
    """

    type = "ordinal"
    targets = "classes"
    takes = "logits"
    ordered = True
    example_shapes = (((1,), ()), ((4,), ()))

    def class_count(self, units: int) -> int:
        """Return one more than there are units, each of which is between two classes."""
        return units + 1

    def predictions(self, y_pred: Array) -> Array:
        """Return the probability of each class."""
        above = _sigmoid(_cut_points(y_pred))
        edge = np.ones_like(above[:, :1])
        at_least = np.concatenate([edge, above], axis=1)
        more = np.concatenate([above, np.zeros_like(edge)], axis=1)
        probabilities: Array = at_least - more
        return probabilities

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Add softplus(-a_(y-1)), softplus(a_y) and softplus(-z_y), as far as there are such.

        For a > b, sigmoid(a) - sigmoid(b) = sigmoid(a) * sigmoid(-b) * (1 - exp(b - a)), and
        1 - exp(-softplus(z)) = sigmoid(z).
        """
        a = _cut_points(y_pred)
        elements = y_true[:, 1:] * _softplus(-a) + y_true[:, :-1] * _softplus(a)
        elements[:, 1:] += y_true[:, 1:-1] * _softplus(-y_pred[:, 1:])
        np.sum(elements, axis=1, out=losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dz_k = -sigmoid(z_k) * s_k - [y = k] * sigmoid(-z_k), and dz_0 = s_0.

        s_k = sum over j >= k of da_j; da_j = [y = j] * sigmoid(a_j) - [y = j + 1] * sigmoid(-a_j).
        """
        a = _cut_points(y_pred)
        da = y_true[:, :-1] * _sigmoid(a) - y_true[:, 1:] * _sigmoid(-a)
        dy_pred[...] = np.cumsum(da[:, ::-1], axis=1)[:, ::-1]
        z = y_pred[:, 1:]
        dy_pred[:, 1:] *= -_sigmoid(z)
        dy_pred[:, 1:] -= y_true[:, 1:-1] * _sigmoid(-z)


def _cut_points(y_pred: Array) -> Array:
    """Return a (n, classes - 1), which falls along each row."""
    a = y_pred.copy()
    a[:, 1:] = y_pred[:, :1] - np.cumsum(_softplus(y_pred[:, 1:]), axis=1)
    return a


def _softplus(x: Array) -> Array:
    """Return log(1 + exp(x)) without overflow."""
    softplus: Array = np.logaddexp(x, x.dtype.type(0))
    return softplus


def _sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)) without overflow."""
    half = x.dtype.type(0.5)
    logistic: Array = np.tanh(x * half) * half + half
    return logistic
