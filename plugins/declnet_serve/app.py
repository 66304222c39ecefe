"""The ASGI application: routes, limits and logs."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl

from declnet import ComponentError, DataError, Registry
from declnet_serve.docs_page import docs_page
from declnet_serve.logs import log
from declnet_serve.models import LoadedModel, ServedModel
from declnet_serve.openapi import openapi
from declnet_serve.options import Options
from declnet_serve.problems import MEDIA_TYPE, ProblemError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON, CSV = "application/json", "text/csv"
_FORMS = {JSON: "json", CSV: "csv"}
_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PREDICT = re.compile(r"/models/([A-Za-z0-9._-]+)/predict")
SMALL = 4096
"""Bytes of JSON that may be predicted in the event loop's own thread."""

QUICK = 0.001
"""Seconds: a model whose small requests take longer is given to another thread, always."""

_TRUE = {"true": True, "false": False}


class Reply:
    """A response.

    Attributes:
        status: the HTTP status.
        body: its content.
        kind: its media type.
        headers: further headers.
        about: members of the request's line in the log.
    """

    __slots__ = ("about", "body", "headers", "kind", "status")

    def __init__(
        self,
        body: bytes,
        kind: str = JSON,
        status: int = 200,
        headers: Iterable[tuple[bytes, bytes]] = (),
        about: dict[str, Any] | None = None,
    ) -> None:
        self.status, self.body, self.kind = status, body, kind
        self.headers, self.about = headers, about or {}


class App:
    """The application.

    Args:
        models: the models by name.
        options: the limits.
        registry: where the components of reloaded models are looked up; None: the installed ones.
    """

    def __init__(
        self, models: dict[str, ServedModel], options: Options, registry: Registry | None = None
    ) -> None:
        self.models, self.options, self._registry = models, options, registry
        self.stopping = False
        self.threads = ThreadPoolExecutor(options.threads, "predict")
        self._loader = ThreadPoolExecutor(1, "reload")
        self._active = self._buffered = 0
        self._watch: asyncio.Task[None] | None = None
        self._prefix, self._number = os.urandom(4).hex(), itertools.count(1)
        self._pages: dict[str, tuple[Any, Reply]] = {}
        self._hosts = frozenset(each.lower() for each in options.hosts)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI says."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            return
        start = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request = self._identifier(headers)
        try:
            reply = await self._reply(scope, headers, receive)
        except ProblemError as problem:
            reply = _problem(problem, request)
        except _GoneError:
            return
        except Exception as error:  # a bug, of a component or of this package
            log(
                "failure",
                "error",
                request=request,
                exception=type(error).__name__,
                component=str(error) if isinstance(error, ComponentError) else None,
                frames=_frames(error),
            )
            reply = _problem(ProblemError(500, "the server failed; its log says more"), request)
        if self.options.log_requests:
            log(
                "request",
                request=request,
                method=scope["method"],
                path=scope["path"][:200],
                status=reply.status,
                ms=round(1000 * (time.perf_counter() - start), 3),
                **reply.about,
            )
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [
                    (b"content-type", reply.kind.encode()),
                    (b"content-length", str(len(reply.body)).encode()),
                    (b"x-request-id", request.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    *reply.headers,
                ],
            }
        )
        body = b"" if scope["method"] == "HEAD" else reply.body
        await send({"type": "http.response.body", "body": body})

    def _identifier(self, headers: dict[bytes, bytes]) -> str:
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        if _IDENTIFIER.fullmatch(given):
            return given
        return f"{self._prefix}-{next(self._number)}"

    async def _reply(
        self, scope: MutableMapping[str, Any], headers: dict[bytes, bytes], receive: Receive
    ) -> Reply:
        self._require_host(headers)
        path, method = scope["path"], scope["method"]
        if found := _PREDICT.fullmatch(path):
            served = self.models.get(found[1])
            if served is None:
                raise ProblemError(404, f"there is no model {found[1]}", f"models: {self._names}")
        elif path == "/predict":
            if len(self.models) > 1:
                help_ = f"/models/NAME/predict with one of {self._names}"
                raise ProblemError(404, "several models are served", help_)
            served = next(iter(self.models.values()))
        else:
            return self._page(path, method)
        _require_method(method, "POST")
        return await self._predict(served, scope, headers, receive)

    @property
    def _names(self) -> str:
        return ", ".join(self.models)

    def _require_host(self, headers: dict[bytes, bytes]) -> None:
        """Refuse other names of this machine, which a page elsewhere may have made up."""
        if self._hosts:
            host = headers.get(b"host", b"").decode("latin-1").lower()
            name = re.sub(r":\d*$", "", host)
            if name not in self._hosts:
                raise ProblemError(421, "the header Host names another server", "see --allow-host")

    def _page(self, path: str, method: str) -> Reply:
        if path in ("/health", "/health/live", "/health/ready"):
            _require_method(method, "GET", "HEAD")
            return self._health(path)
        make = {"/models": self._models, "/openapi.json": self._openapi, "/docs": self._docs}
        if path == "/":
            _require_method(method, "GET", "HEAD")
            return Reply(b"", "text/plain", 307, [(b"location", b"/docs")])
        if path not in make:
            raise ProblemError(404, "there is nothing at this path", "/docs says what there is")
        _require_method(method, "GET", "HEAD")
        state = tuple((each.model, each.error, each.reloads) for each in self.models.values())
        if path not in self._pages or self._pages[path][0] != state:
            self._pages[path] = state, make[path]()
        return self._pages[path][1]

    def _health(self, path: str) -> Reply:
        if path == "/health/live":
            return Reply(b'{"status": "ok"}\n')
        models = {
            name: {
                "status": "ok" if each.error is None else "stale",
                "version": each.model.version,
                "loaded": each.model.loaded,
                "reloads": each.reloads,
                **({} if each.error is None else {"error": each.error}),
            }
            for name, each in self.models.items()
        }
        status = "stopping" if self.stopping else "ok"
        return _json({"status": status, "models": models}, 503 if self.stopping else 200)

    def _models(self) -> Reply:
        return _json({"models": [_summary(each) for each in self.models.values()]})

    def _openapi(self) -> Reply:
        return _json(openapi(self.models, self.options))

    def _docs(self) -> Reply:
        page, policy = docs_page(self.models, self.options)
        headers = [(b"content-security-policy", policy.encode()), (b"x-frame-options", b"DENY")]
        return Reply(page, "text/html; charset=utf-8", headers=headers)

    async def _predict(
        self,
        served: ServedModel,
        scope: MutableMapping[str, Any],
        headers: dict[bytes, bytes],
        receive: Receive,
    ) -> Reply:
        form, accepted = _body_form(headers), _accepted(headers)
        spread = _spread(scope["query_string"])
        if self.stopping:
            raise _busy("the server is stopping")
        body = await self._body(headers, receive)
        model = served.model
        with _translating():
            if len(body) <= SMALL and form == "json" and model.small_seconds < QUICK:
                answer, rows = model.answer_small(body, accepted, spread, self.options.most_rows)
            else:
                answer, rows = await self._in_thread(model, body, form, accepted, spread)
        about = {"model": served.name, "version": model.version, "rows": rows}
        kind = JSON if accepted == "json" else f"{CSV}; charset=utf-8"
        return Reply(answer, kind, headers=[(b"x-model", model.version.encode())], about=about)

    async def _in_thread(
        self, model: LoadedModel, body: bytes, form: str, accepted: str, spread: bool
    ) -> tuple[bytes, int]:
        if self._active >= self.options.threads + self.options.queue:
            raise _busy("too many requests at the same time")
        self._active += 1
        loop, limit = asyncio.get_running_loop(), self.options.most_rows
        if len(body) <= SMALL and form == "json":
            work = self.threads.submit(model.answer_small, body, accepted, spread, limit)
        else:
            work = self.threads.submit(
                model.answer, body, form, accepted, spread=spread, most_rows=limit
            )

        def finish(_work: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._finished)

        work.add_done_callback(finish)
        try:
            async with asyncio.timeout(self.options.timeout):
                return await asyncio.wrap_future(work)
        except TimeoutError:
            message = f"the predictions were not ready within {self.options.timeout:g} s"
            raise ProblemError(503, message, "send fewer rows", {"retry-after": "1"}) from None

    def _finished(self) -> None:
        self._active -= 1

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """Return a request's body; raise ProblemError if it is too large or too slow."""
        most, length = self.options.most_bytes, headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > most:
            raise _too_large(most)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.options.body_timeout):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _GoneError
                    part: bytes = message.get("body", b"")
                    size += len(part)
                    self._buffered += len(part)
                    parts.append(part)
                    if size > most:
                        raise _too_large(most)
                    if self._buffered > 16 * most:
                        raise _busy("too many large requests at the same time")
                    if not message.get("more_body", False):
                        return parts[0] if len(parts) == 1 else b"".join(parts)
        except TimeoutError:
            late = f"the body did not arrive within {self.options.body_timeout:g} s"
            raise ProblemError(408, late, headers={"connection": "close"}) from None
        finally:
            self._buffered -= size

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                if self.options.poll > 0:
                    self._watch = asyncio.create_task(self._watching())
                await send({"type": "lifespan.startup.complete"})
            else:
                if self._watch is not None:
                    self._watch.cancel()
                self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def close(self) -> None:
        """End the threads; what they are working on is completed."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        self._loader.shutdown(wait=False, cancel_futures=True)

    async def _watching(self) -> None:
        """Reload models whose folder has changed, one at a time, in a thread of their own."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.options.poll)
            for served in self.models.values():
                before = served.error
                try:
                    if await loop.run_in_executor(self._loader, served.changed):
                        await loop.run_in_executor(self._loader, self._reload, served)
                except Exception as error:  # watching goes on
                    served.error = f"{type(error).__name__}: {error}"
                if served.error is not None and served.error != before:
                    log("reload failed", "error", model=served.name, error=served.error)

    def _reload(self, served: ServedModel) -> None:
        def notice(sentence: str) -> None:
            log("note", model=served.name, note=sentence)

        start = time.perf_counter()
        if served.reload(self._registry, notice):
            ms = round(1000 * (time.perf_counter() - start), 1)
            log("reloaded", model=served.name, version=served.model.version, ms=ms)


class _GoneError(Exception):
    """The client closed the connection before its request was complete."""


@contextmanager
def _translating() -> Iterator[None]:
    """Turn what declnet says about the rows of a request into a problem."""
    try:
        yield
    except DataError as error:
        raise ProblemError.of(error) from None
    except MemoryError:
        message = "not enough memory"
        raise ProblemError(503, message, "send fewer rows", {"retry-after": "1"}) from None


def _summary(served: ServedModel) -> dict[str, Any]:
    model, about = served.model, {"name": served.name, "version": served.model.version}
    columns = model.columns
    about["predict"] = f"/models/{served.name}/predict"
    inputs: dict[str, Any] = {}
    if columns is not None:
        inputs["columns"] = [
            {"name": each.name, "type": each.type or "any"}
            | ({} if each.known is None else {"known": list(each.known)})
            for each in columns
        ]
    else:
        inputs["arrays"] = {name or "x": list(s) for name, s in model.sample_shape.items()}
    losses = {
        head.name or "prediction": {"classes": reading.class_names, "sort": reading.sort}
        for head, reading in zip(model.predictor.heads, model.predictor.readings, strict=True)
    }
    return {**about, "loaded": model.loaded, **inputs, "outputs": model.outputs, "losses": losses}


def _json(content: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"), JSON, status)


def _problem(problem: ProblemError, request: str) -> Reply:
    headers = [(name.encode(), value.encode()) for name, value in problem.headers.items()]
    about = {"problem": problem.members.get("code", problem.status)}
    return Reply(problem.document(request), MEDIA_TYPE, problem.status, headers, about)


def _busy(message: str) -> ProblemError:
    return ProblemError(503, message, "try again", {"retry-after": "1"})


def _too_large(most: int) -> ProblemError:
    message = f"the body has more than {most} bytes"
    return ProblemError(413, message, "send several requests", {"connection": "close"})


def _require_method(method: str, *allowed: str) -> None:
    if method not in allowed:
        names = ", ".join(allowed)
        raise ProblemError(
            405, f"{method[:20]} is not allowed here", f"use {names}", {"allow": names}
        )


def _media_type(value: bytes) -> tuple[str, dict[str, str]]:
    kind, *rest = value.decode("latin-1").split(";")
    parameters = dict(each.strip().partition("=")[::2] for each in rest)
    own = {name.strip().lower(): value.strip().strip('"') for name, value in parameters.items()}
    return kind.strip().lower(), own


def _body_form(headers: dict[bytes, bytes]) -> str:
    """Return what a body is, `json` or `csv`; raise ProblemError for anything else."""
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding != b"identity":
        raise ProblemError(415, "compressed bodies are not accepted", "send it uncompressed")
    kind, parameters = _media_type(headers.get(b"content-type", b""))
    if kind not in _FORMS:
        raise ProblemError(415, "the body must be JSON or CSV", f"Content-Type: {JSON} or {CSV}")
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise ProblemError(415, "the body must be UTF-8", f"Content-Type: {kind}; charset=utf-8")
    return _FORMS[kind]


def _accepted(headers: dict[bytes, bytes]) -> str:
    """Return what to answer, the form of the highest quality in Accept; in a tie JSON."""
    given = headers.get(b"accept", b"*/*")
    if given in (b"*/*", JSON.encode()):
        return "json"
    best = {"json": 0.0, "csv": 0.0}
    exactness = {"json": -1, "csv": -1}
    for each in given.split(b","):
        kind, parameters = _media_type(each)
        try:
            quality = min(1.0, max(0.0, float(parameters.get("q", "1"))))
        except ValueError:
            quality = 0.0
        for media_type, form in _FORMS.items():
            main = media_type.partition("/")[0]
            rank = (kind == "*/*", kind == f"{main}/*", kind == media_type)
            if any(rank) and rank.index(True) > exactness[form]:
                exactness[form], best[form] = rank.index(True), quality
    if not any(best.values()):
        raise ProblemError(406, f"answers are {JSON} or {CSV}", f"Accept: {JSON}")
    return "csv" if best["csv"] > best["json"] else "json"


def _spread(query: bytes) -> bool:
    if not query:
        return False
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    for name, value in pairs:
        if name != "spread" or value not in _TRUE:
            raise ProblemError(400, "the only query parameter is spread", "?spread=true or false")
    return bool(pairs) and _TRUE[pairs[-1][1]]


def _frames(error: BaseException) -> list[str]:
    """Return where an error was raised, without its values."""
    import traceback

    found = traceback.extract_tb(error.__traceback__)
    return [f"{os.path.basename(each.filename)}:{each.lineno} {each.name}" for each in found[-8:]]  # noqa: PTH119
