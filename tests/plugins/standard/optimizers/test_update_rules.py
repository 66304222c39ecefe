"""First steps of optimizers by hand; tests/peers compares more of them."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.optimizers.adam import mu_product


@pytest.mark.parametrize("momentum_decay", [0.0, 1e-9, 0.004, 1.0, 250.0])
@pytest.mark.parametrize("beta_1", [0.5, 0.9, 0.999, 0.99999])
def test_mu_product_matches_the_running_product(beta_1, momentum_decay):
    t = np.arange(1, 3001)
    running = np.cumprod(beta_1 * (1 - 0.5 * 0.96 ** (t * momentum_decay)))
    steps = [step for step in (1, 2, 3, 10, 100, 1000, 3000) if running[step - 1] > 1e-18]
    result = [mu_product(beta_1, momentum_decay, step).item() for step in steps]
    np.testing.assert_allclose(result, running[np.array(steps) - 1], rtol=1e-12)


def test_mu_product_underflows_to_0():
    assert mu_product(0.9, 0.004, 10**9) == 0
    assert mu_product(0.0, 0.004, 1) == 0
