"""Small runs, and the application of `declnet serve` without a network."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from declnet import parse_spec, run

pytest.importorskip("httptools", reason="needs the extra serve")
pytest.importorskip("orjson", reason="needs the extra serve")
pytest.importorskip("prometheus_client", reason="needs the extra serve")

from declnet_plugins.serve.app import App
from declnet_plugins.serve.models import load_models
from declnet_plugins.serve.options import Options
from declnet_plugins.serve.server import tokens_of
from tests.documents import spec_document


def _network(units: int) -> dict[str, Any]:
    return spec_document([{"type": "dense", "units": units}, "softmax"], training={"epochs": 3})


def flowers(folder: Path, **changes: Any) -> dict[str, Any]:
    """Return a spec for a table of four columns, one of them with markup in its name."""
    rng = np.random.default_rng(0)
    rows = zip(
        rng.normal(size=60).round(3),
        rng.integers(1, 90, 60),
        np.array(["red", "green", "blue"])[rng.integers(0, 3, 60)],
        np.array(["true", "false"])[rng.integers(0, 2, 60)],
        np.array(["aster", "rose"])[rng.integers(0, 2, 60)],
        strict=True,
    )
    lines = ["size,age,color,<i>fresh</i>,kind", *(",".join(map(str, row)) for row in rows)]
    path = folder / "flowers.csv"
    path.write_text("\n".join(lines))
    data = {
        "train": {"type": "csv", "path": str(path), "target": "kind"},
        "prepare": ["impute", "standardize", "one_hot"],
    }
    return {"declnet": 1, "name": "flowers", "data": data, **_network(2), **changes}


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of runs: `flowers`, `flowers_again`, the folds `folds`, and `pixels` of an array."""
    folder = tmp_path_factory.mktemp("served")
    run(parse_spec(flowers(folder)), out=folder / "flowers")
    run(parse_spec(flowers(folder, seed=7)), out=folder / "flowers_again")
    folds = flowers(folder)
    folds["data"]["folds"] = 2
    run(parse_spec(folds), out=folder / "folds")
    rng = np.random.default_rng(1)
    np.savez(folder / "pixels.npz", x=rng.normal(size=(30, 2, 3)), y=np.arange(30) % 3)
    pixels = {"train": {"type": "npz", "path": str(folder / "pixels.npz")}}
    model = {"layers": ["flatten", {"type": "dense", "units": 3}, "softmax"]}
    spec = {"declnet": 1, "data": pixels, **_network(3), "model": model}
    run(parse_spec(spec), out=folder / "pixels")
    run(parse_spec(sales(folder)), out=folder / "sales")
    run(parse_spec(houses(folder)), out=folder / "houses")
    return folder


@pytest.fixture
def flowers_spec() -> Callable[..., dict[str, Any]]:
    """The spec of the run `flowers`, for a table in a folder."""
    return flowers


def sales(folder: Path) -> dict[str, Any]:
    """Return a spec that forecasts two days of two shops from three, with known holidays."""
    lines = ["shop,day,holiday,sales"]
    for shop in "ab":
        lines += [f"{shop},2024-05-{d:02},{str(d % 7 == 0).lower()},{d % 5}" for d in range(1, 21)]
    (folder / "sales.csv").write_text("\n".join(lines))
    layers = [
        {"type": "flatten", "name": "past", "inputs": ["input.past"]},
        {"type": "flatten", "name": "future", "inputs": ["input.future"]},
        {"type": "concatenate", "inputs": ["past", "future"]},
        {"type": "dense", "units": 2},
    ]
    windows = {"past": 3, "horizon": 2, "known": ["holiday"], "series": "shop"}
    return spec_document(
        layers,
        "mean_squared_error",
        data={
            "train": {"type": "csv", "path": str(folder / "sales.csv"), "target": "sales"},
            "validation": 0.4,
            "split": {"method": "time", "column": "day"},
            "windows": windows,
        },
        training={"epochs": 2},
    )


def houses(folder: Path) -> dict[str, Any]:
    """Return a spec with two losses, of which one has intervals."""
    rng = np.random.default_rng(3)
    lines = ["size,price,sold"]
    lines += [f"{number:.3f},{2 * number:.3f},{int(number > 0)}" for number in rng.normal(size=60)]
    (folder / "houses.csv").write_text("\n".join(lines))
    layers = [
        {"type": "dense", "name": "price", "units": 1, "inputs": ["input"]},
        {"type": "dense", "name": "logit", "units": 1, "inputs": ["input"]},
        {"type": "sigmoid", "name": "sold"},
    ]
    source = {"type": "csv", "path": str(folder / "houses.csv"), "targets": ["price", "sold"]}
    calibration = {"steps": [{"type": "conformal", "coverage": 0.8}]}
    return {
        "declnet": 1,
        "data": {"train": source, "validation": 0.3},
        "model": {"layers": layers, "outputs": ["price", "sold"]},
        "losses": {
            "price": {"type": "mean_squared_error", "calibration": calibration},
            "sold": "binary_crossentropy",
        },
        "optimizer": "adam",
        "training": {"epochs": 2},
    }


@dataclass
class Answer:
    """A response of the application."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Calls an application in this process, each request in one loop."""

    def __init__(self, app: App, runner: asyncio.Runner) -> None:
        self.app, self._runner = app, runner

    def __call__(
        self, path: str, body: Any = None, *, method: str | None = None, **headers: str
    ) -> Answer:
        """Send a request; bytes as they are, other values as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        if body is not None:
            headers = {"content_type": "application/json", **headers}
        method = method or ("GET" if body is None else "POST")
        parts = [content] if body is not None else [b""]
        return self.run(self.send(path, parts, method, headers))

    def run(self, work: Any) -> Any:
        """Run a coroutine."""
        return self._runner.run(work)

    async def send(
        self,
        path: str,
        parts: list[bytes],
        method: str,
        headers: dict[str, str],
        pause: float = 0.0,
    ) -> Answer:
        """Send a request whose body comes in parts, with a pause after each."""
        path, _, query = path.partition("?")
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in names.items()],
        }
        left, sent = list(parts), []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(pause)
            if not left:
                return {"type": "http.disconnect"}
            part = left.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(left)}

        async def take(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, take)
        start, *rest = sent
        result = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], result, b"".join(number["body"] for number in rest))


@pytest.fixture
def client(runs: Path) -> Iterator[Callable[..., Client]]:
    """Return a function that makes a client of some of the runs, with other options."""
    apps = []
    with asyncio.Runner() as runner:

        def make(*names: str, **changes: Any) -> Client:
            models = tuple((name, runs / name) for name in names or ("flowers",))
            options = replace(Options(models, log_requests=False), **changes)
            tokens = tokens_of(options)
            apps.append(App(load_models(models, None, print), options, tokens=tokens))
            return Client(apps[-1], runner)

        yield make
    for app in apps:
        app.close()


COMMAND = "from declnet_plugins.serve.commands import serve\nif __name__ == '__main__': serve()"


class Server:
    """A process, with the lines of its log."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        script = folder / "serving.py"
        script.write_text(COMMAND)
        self.log = folder / f"log-{time.monotonic_ns()}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, script, *arguments], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while not (result := re.search(r'"url": "http://127.0.0.1:(\d+)"', self.log.read_text())):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.port = int(result[1])
        self.wait_until_ready(deadline)

    def wait_until_ready(self, deadline: float) -> None:
        while True:
            try:
                assert self.ask("GET", "/health/ready")[0] == 200
                return
            except OSError:
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.02)

    def ask(self, method, path, value=None, timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            body = None if value is None else json.dumps(value)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    servers = []

    def begin(*arguments):
        servers.append(Server(tmp_path_factory.mktemp("server"), *map(str, arguments)))
        return servers[-1]

    yield begin
    for server in servers:
        if server.process.poll() is None:
            server.process.terminate()
            server.process.wait(30)
