"""Losses with wrong results or wrong handling of targets."""

import numpy as np

from ..right.losses import BinaryLogits, Crossentropy, Squared
from .broken import broken


def root(y_pred, y_true):
    return np.sqrt(
        np.mean((y_pred - y_true) ** 2, axis=tuple(range(1, y_pred.ndim)), keepdims=True)
    )


BROKEN = (
    broken("takes_perfect_predictions", Squared, "divides_by_the_error",
           forward=lambda self, y_pred, y_true, losses:
           np.copyto(losses, root(y_pred, y_true).reshape(-1)),
           backward=lambda self, y_pred, y_true, dy: np.copyto(
               dy, (y_pred - y_true) / root(y_pred, y_true) * len(dy) / dy.size)),
    broken("takes_perfect_predictions", Squared, "divides_by_targets",
           forward=lambda self, y_pred, y_true, losses:
           np.mean(np.abs(1 - y_pred / y_true), tuple(range(1, y_pred.ndim)), out=losses)),
    broken("takes_batches_of_any_size", Squared, "squeezes_a_single_prediction",
           forward=lambda self, y_pred, y_true, losses: (
               Squared.forward(self, y_pred, y_true, losses),
               np.multiply(losses, min(2, len(losses)), out=losses))),
    broken("gradient_of_predictions", Squared, "divides_by_samples", backward=lambda self, y_pred,
           y_true, dy: np.multiply(y_pred - y_true, 2 / dy.size, out=dy)),
    broken("stays_finite", Squared, "overflows", forward=lambda self, y_pred, y_true, losses:
           np.sum(np.log(np.cosh(y_pred - y_true)), tuple(range(1, y_pred.ndim)), out=losses),
           backward=lambda self, y_pred, y_true, dy: np.tanh(y_pred - y_true, out=dy)),
    broken("stays_finite", Crossentropy, "is_not_clipped",
           forward=lambda self, y_pred, y_true, losses:
           np.negative(np.log(np.sum(y_pred * y_true, axis=1)), out=losses),
           backward=lambda self, y_pred, y_true, dy: np.divide(-y_true, y_pred, out=dy)),
    broken("treats_samples_apart", Squared, "divides_by_the_largest", forward=lambda self, y_pred,
           y_true, losses: (Squared.forward(self, y_pred, y_true, losses),
                            np.divide(losses, losses.max(), out=losses))),
    broken("treats_samples_apart", Squared, "averages_the_batch",
           forward=lambda self, y_pred, y_true, losses:
           losses.fill(np.mean((y_pred - y_true) ** 2))),
    broken("writes_every_output", Squared, "forgets_losses",
           forward=lambda self, y_pred, y_true, losses: np.mean((y_pred - y_true) ** 2, axis=1)),
    broken("leaves_inputs_alone", Squared, "clips_predictions",
           before=("forward", lambda self, y_pred, *_: np.clip(y_pred, -1, 1, out=y_pred))),
    broken("takes_batches_of_any_size", Squared, "takes_at_most_64",
           forward=lambda self, y_pred, y_true, losses: (
               losses.fill(0), Squared.forward(self, y_pred[:64], y_true[:64], losses[:64]))),
    broken("gives_predictions", BinaryLogits, "predicts_logits",
           predictions=lambda self, y_pred: y_pred),
    broken("gives_predictions", BinaryLogits, "predicts_in_place",
           predictions=lambda self, y: np.exp(-np.logaddexp(0, -y), out=y)),
    broken("gives_predictions", BinaryLogits, "predicts_shares_of_the_batch",
           predictions=lambda self, y_pred: np.exp(y_pred) / np.exp(y_pred).sum(axis=0)),
    broken("gradient_of_predictions", Squared, "forgets_its_field",
           __annotations__={"factor": float}, factor=1.0,
           forward=lambda self, y_pred, y_true, losses: (
               Squared.forward(self, y_pred, y_true, losses),
               np.multiply(losses, self.factor, out=losses))),
    broken("prepares_what_it_declares", Squared, "prepares_in_double",
           prepare=lambda self, y, shape, dtype: Squared.prepare(self, y, shape, float)),
    broken("works_with_usual_data", Squared, "refuses_its_example_shapes",
           example_shapes=((3,), ((2,), (5,)))),
    broken("takes_each_form_of_targets", Crossentropy, "takes_one_hot_rows_for_labels",
           prepare=lambda self, y, shape, dtype:
           np.eye(shape[0], dtype=dtype)[y.astype(int).reshape(len(y), -1)[:, 0]]),
    broken("refuses_wrong_targets", Crossentropy, "takes_any_label", prepare=lambda self, y, shape,
           dtype: Crossentropy.prepare(self, np.minimum(y, shape[0] - 1), shape, dtype)),
    broken("prepares_what_it_declares", Squared, "doubles_the_users_y",
           before=("prepare", lambda self, y, *_: np.multiply(y, 2, out=y))),
    broken("can_be_registered", Squared, "has_unknown_targets", targets="numbers"),
)  # fmt: skip
