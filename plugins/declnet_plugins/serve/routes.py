"""Paths: what each asks for, and which model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from declnet_plugins.serve.answers import Protocol
from declnet_plugins.serve.inference_v2 import InferenceV2
from declnet_plugins.serve.invocations import Invocations
from declnet_plugins.serve.models import ServedModel
from declnet_plugins.serve.problems import ProblemError

PROTOCOLS = {"predict": Protocol(), "invocations": Invocations(), "infer": InferenceV2()}
"""What bodies mean, by the last part of a path."""

_NAME = r"([A-Za-z0-9._-]+)"
_OWN = re.compile(rf"/models/{_NAME}/(predict|invocations)")
_V2 = re.compile(rf"/v2/models/{_NAME}(?:/versions/{_NAME})?(?:/(infer|ready))?")

_ENDPOINTS = {
    **dict.fromkeys(("/health", "/health/live", "/health/ready", "/ping"), "health"),
    **dict.fromkeys(("/v2/health/live", "/v2/health/ready"), "health"),
    **dict.fromkeys(("/models", "/v2"), "models"),
    **dict.fromkeys(("/docs", "/openapi.json", "/"), "docs"),
    "/metrics": "metrics",
    "/predict": "predict",
    "/invocations": "invocations",
}


class Route(NamedTuple):
    """What a path asks for.

    Attributes:
        endpoint: a word for it, of a few.
        model: the model in the path; None if it names none.
        version: the version in the path, if any.
    """

    endpoint: str
    model: str | None = None
    version: str | None = None

    @classmethod
    def of(cls, path: str) -> Route:
        """Return the route of a path; its endpoint is `other` if there is nothing."""
        if path in _ENDPOINTS:
            return cls(_ENDPOINTS[path])
        if match := _OWN.fullmatch(path):
            return cls(match[2], match[1])
        if match := _V2.fullmatch(path):
            kind = {"infer": "infer", "ready": "health"}.get(match[3], "models")
            return cls(kind, match[1], match[2])
        return cls("other")

    @property
    def is_open(self) -> bool:
        """Whether it is answered without a token."""
        return self.endpoint == "health"

    def served(self, models: Mapping[str, ServedModel]) -> ServedModel:
        """Return the model that a request is for.

        Raises:
            ProblemError: there is no such model or version, or the path names none of several.
        """
        names = ", ".join(models)
        if self.model is None:
            if len(models) > 1:
                help_ = f"/models/NAME/{self.endpoint} with one of {names}"
                raise ProblemError(404, "several models are served", help_)
            return next(iter(models.values()))
        served = models.get(self.model)
        if served is None:
            raise ProblemError(404, f"no model {self.model}", f"models: {names}")
        if self.version not in (None, served.model.version):
            current = served.model.version
            message = f"{self.model} has no version {self.version}"
            raise ProblemError(404, message, f"it has the version {current}")
        return served
