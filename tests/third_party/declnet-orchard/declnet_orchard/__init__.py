"""A plugin with components of seven kinds."""

from declnet import Register, hookimpl
from declnet_orchard.brier_score import BrierScore
from declnet_orchard.gain import Gain
from declnet_orchard.log_loss import LogLoss
from declnet_orchard.logistic import Logistic
from declnet_orchard.logistic_log_loss import LogisticLogLoss
from declnet_orchard.sign_descent import SignDescent
from declnet_orchard.soft_absolute import SoftAbsolute
from declnet_orchard.two_moons import TwoMoons


@hookimpl
def declnet_register(register: Register) -> None:
    """Register this package's components."""
    for component in (
        BrierScore,
        Gain,
        Logistic,
        LogLoss,
        LogisticLogLoss,
        SignDescent,
        SoftAbsolute,
        TwoMoons,
    ):
        register(component)
