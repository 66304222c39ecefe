"""The layer and the loss of this package in one."""

from functools import partial

import numpy as np

from declnet import Kernel, KernelCalls, KernelSite
from declnet_orchard.log_loss import LogLoss
from declnet_orchard.logistic import Logistic


class LogisticLogLoss(Kernel):
    """dx = (y - y_true) / outputs: no division by p (1 - p).

    x, y, y_true: (n, *shape); losses: (n,).
    """

    type = "logistic_log_loss"
    replaces = (Logistic, LogLoss)

    def bind(self, site: KernelSite) -> KernelCalls:
        """Fill y and losses as the layer and the loss do, and dx if it is needed."""
        layer, loss = site.components
        forward = (
            partial(layer.forward, site.x, site.y, site.states[0]),
            partial(loss.forward, site.y, site.y_true, site.losses),
        )
        if site.dx is None:
            return KernelCalls(forward)
        difference = partial(np.subtract, site.y, site.y_true, out=site.dx)
        mean = partial(np.divide, site.dx, site.y[0].size, out=site.dx)
        return KernelCalls(forward, (difference, mean, site.weigh(site.dx)))
