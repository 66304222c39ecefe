"""Templates of the presets of this package, for `declnet new`."""

from declnet_plugins.standard.templates.short_spec import PresetTemplate
from declnet_plugins.tabular.presets.best import Best
from declnet_plugins.tabular.presets.portfolio import Portfolio
from declnet_plugins.tabular.presets.realmlp import RealMLPTD, RealMLPTDS
from declnet_plugins.tabular.presets.tabm import TabMMini


class BestTemplate(PresetTemplate):
    """RealMLP-TD and random variants for some minutes; the best together are one predictor."""

    type = "best"
    preset = Best


class PortfolioTemplate(PresetTemplate):
    """A linear model, a plain network and RealMLP-TD in the same folds, with selected weights."""

    type = "portfolio"
    default_for = "table"
    preset = Portfolio


class RealMLPTDTemplate(PresetTemplate):
    """RealMLP-TD: with periodic embeddings of numbers, dropout and weight decay."""

    type = "realmlp_td"
    preset = RealMLPTD


class RealMLPTDSTemplate(PresetTemplate):
    """RealMLP-TD-S: a network with tuned defaults, the simple variant."""

    type = "realmlp_td_s"
    preset = RealMLPTDS


class TabMMiniTemplate(PresetTemplate):
    """TabM-mini: 32 networks in one that share hidden layers, with embeddings of numbers."""

    type = "tabm_mini"
    preset = TabMMini
    where = "as with --preset mlp"
