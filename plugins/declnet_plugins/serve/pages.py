"""The paths besides predictions: health, models, the OpenAPI document and its page."""

from __future__ import annotations

from typing import Any

from declnet import __version__
from declnet_plugins.serve.docs_page import docs_page
from declnet_plugins.serve.inference_v2 import metadata
from declnet_plugins.serve.metrics import Metrics
from declnet_plugins.serve.models import ServedModel
from declnet_plugins.serve.openapi import openapi
from declnet_plugins.serve.options import Options
from declnet_plugins.serve.problems import ProblemError
from declnet_plugins.serve.replies import Reply, json_reply
from declnet_plugins.serve.requests import require_method
from declnet_plugins.serve.routes import Route


class Pages:
    """All responses but predictions; those that depend on the models only are made once.

    Args:
        models: the models by name.
        options: the limits that the documents state.
        metrics: what is counted.
    """

    def __init__(self, models: dict[str, ServedModel], options: Options, metrics: Metrics) -> None:
        self._models, self._options, self._metrics = models, options, metrics
        self._make = {
            "/": lambda: Reply(b"", "text/plain", 307, [(b"location", b"/docs")]),
            "/health/live": lambda: Reply(b'{"status": "ok"}\n'),
            "/v2/health/live": lambda: json_reply({"live": True}),
            "/v2": self._server,
            "/models": self._summaries,
            "/openapi.json": self._openapi,
            "/docs": self._docs,
        }
        self._cached: dict[str, tuple[Any, Reply]] = {}

    def page(self, path: str, method: str, route: Route, *, stopping: bool, in_full: bool) -> Reply:
        """Return the response at a path.

        Args:
            route: what the path asks for.
            stopping: whether the server is about to end.
            in_full: whether the client may see the reasons of errors.

        Raises:
            ProblemError: there is nothing at the path, or it does not have the method.
        """
        if route.endpoint == "other":
            raise ProblemError(404, "there is nothing at this path", "/docs lists the paths")
        require_method(method, "GET", "HEAD")
        if route.model is not None:
            return self._of_model(route, stopping)
        if path == "/metrics":
            return self._metrics.page()
        if path not in self._make:
            return self._health(path, stopping, in_full)
        state = tuple((model.model, model.error, model.reloads) for model in self._models.values())
        if path not in self._cached or self._cached[path][0] != state:
            self._cached[path] = state, self._make[path]()
        return self._cached[path][1]

    def _of_model(self, route: Route, stopping: bool) -> Reply:
        served = route.served(self._models)
        if route.endpoint == "health":
            ready = {"name": served.name, "ready": not stopping}
            return json_reply(ready, 503 if stopping else 200)
        return json_reply(metadata(served.model))

    def _health(self, path: str, stopping: bool, in_full: bool) -> Reply:
        status = 503 if stopping else 200
        if path == "/ping":
            return Reply(b"\n", status=status)
        if path == "/v2/health/ready":
            return json_reply({"live": True, "ready": not stopping}, status)
        models = {
            name: {
                "status": "ok" if served.error is None else "stale",
                "version": served.model.version,
                "loaded": served.model.loaded,
                "reloads": served.reloads,
                **({"error": served.error} if served.error is not None and in_full else {}),
            }
            for name, served in self._models.items()
        }
        return json_reply({"status": "stopping" if stopping else "ok", "models": models}, status)

    def _summaries(self) -> Reply:
        return json_reply({"models": [_summary(model) for model in self._models.values()]})

    def _server(self) -> Reply:
        return json_reply({"name": "declnet", "version": __version__, "extensions": []})

    def _openapi(self) -> Reply:
        return json_reply(openapi(self._models, self._options))

    def _docs(self) -> Reply:
        page, policy = docs_page(self._models, self._options)
        headers = [(b"content-security-policy", policy.encode()), (b"x-frame-options", b"DENY")]
        return Reply(page, "text/html; charset=utf-8", headers=headers)


def _summary(served: ServedModel) -> dict[str, Any]:
    model, about = served.model, {"name": served.name, "version": served.model.version}
    columns = model.columns
    about["predict"] = f"/models/{served.name}/predict"
    inputs: dict[str, Any] = {}
    if columns is not None:
        inputs["columns"] = [
            {"name": column.name, "type": column.type or "any"}
            | ({} if column.known is None else {"known": list(column.known)})
            for column in columns
        ]
    else:
        inputs["arrays"] = {name or "x": list(s) for name, s in model.sample_shape.items()}
    losses = {
        head.name or "prediction": {"classes": reading.class_names, "sort": reading.task}
        for head, reading in zip(model.predictor.heads, model.predictor.readings, strict=True)
    }
    return {**about, "loaded": model.loaded, **inputs, "outputs": model.outputs, "losses": losses}
