"""Losses that treat targets wrongly."""

import numpy as np

from declnet import Loss

from .losses import Squared


class Crossentropy(Loss):
    """losses = -log(clip(y_pred[label])); right, the others spoil it."""

    type = "crossentropy"
    targets = "classes"

    def forward(self, y_pred, y_true, losses):
        np.sum(y_pred * y_true, axis=1, out=losses)
        np.clip(losses, 1e-7, 1 - 1e-7, out=losses)
        losses[...] = -np.log(losses)

    def backward(self, y_pred, y_true, dy_pred):
        dy_pred[...] = -y_true / np.clip(y_pred, 1e-7, 1 - 1e-7)


class TakesOneHotForLabels(Crossentropy):
    """losses as in crossentropy, but one-hot rows are read as if they were labels."""

    type = "takes_one_hot_for_labels"

    def prepare(self, y, output_shape, dtype):
        labels = y.astype(int).reshape(len(y), -1)[:, 0]
        if labels.max() >= output_shape[0]:
            raise ValueError("a label is too large")
        return np.eye(output_shape[0], dtype=dtype)[labels]


class TakesAnyLabel(Crossentropy):
    """losses as in crossentropy, but labels that are too large count as the last class."""

    type = "takes_any_label"

    def prepare(self, y, output_shape, dtype):
        return super().prepare(np.minimum(y, output_shape[0] - 1), output_shape, dtype)


class ChangesTheUsersY(Squared):
    """losses as in squared, but y is scaled where it lies."""

    type = "changes_the_users_y"

    def prepare(self, y, output_shape, dtype):
        y *= 2
        return super().prepare(y, output_shape, dtype)


class LeavesYFlat(Squared):
    """losses as in squared, but y (n,) is broadcast against (n, 1)."""

    type = "leaves_y_flat"

    def prepare(self, y, output_shape, dtype):
        prepared = super().prepare(y, output_shape, dtype)
        return prepared.reshape(-1) if y.ndim == 1 else prepared


class UnknownTargets(Squared):
    """losses as in squared, for an unknown kind of targets."""

    type = "unknown_targets"
    targets = "numbers"


WRONG = {
    TakesOneHotForLabels: "takes_each_form_of_targets",
    TakesAnyLabel: "refuses_wrong_targets",
    ChangesTheUsersY: "prepares_what_it_declares",
    LeavesYFlat: "takes_each_form_of_targets",
    UnknownTargets: "can_be_registered",
}
