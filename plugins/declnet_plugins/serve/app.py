"""The ASGI application: routes, limits and logs."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from declnet import ComponentError, DataError, Registry, error_summary
from declnet_plugins.serve.answers import Answer, PredictionRequest
from declnet_plugins.serve.logs import log
from declnet_plugins.serve.metrics import Metrics
from declnet_plugins.serve.models import LoadedModel, ServedModel
from declnet_plugins.serve.options import Options
from declnet_plugins.serve.pages import Pages
from declnet_plugins.serve.problems import ProblemError
from declnet_plugins.serve.replies import Reply, problem_reply
from declnet_plugins.serve.requests import (
    CSV,
    JSON,
    Query,
    accepted_form,
    body_form,
    require_method,
)
from declnet_plugins.serve.routes import PROTOCOLS, Route
from declnet_plugins.serve.tokens import Tokens

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,64}")
SMALL = 2**16
"""Bytes of a body that may be predicted in the event loop's own thread."""

QUICK = 0.002
"""Seconds: requests that are expected to take longer are given to another thread."""


class App:
    """The application.

    Args:
        models: the models by name.
        options: the limits.
        registry: where the components of reloaded models are looked up; None: the installed ones.
        tokens: those that requests must have; None: they need none.
    """

    def __init__(
        self,
        models: dict[str, ServedModel],
        options: Options,
        registry: Registry | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        self.models, self.options, self._registry = models, options, registry
        self.stopping = False
        self.threads = ThreadPoolExecutor(options.threads, "predict")
        self._loader = ThreadPoolExecutor(1, "reload")
        self._active = self._buffered = 0
        self._watch: asyncio.Task[None] | None = None
        self._prefix, self._number = os.urandom(4).hex(), itertools.count(1)
        self._metrics, self._tokens = Metrics(models, options.counts), tokens
        self._pages = Pages(models, options, self._metrics)
        self._hosts = frozenset(host.lower() for host in options.hosts)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI says."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            return
        start = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request, route = self._identifier(headers), Route.of(scope["path"])
        is_v2 = scope["path"].startswith("/v2")
        try:
            reply = await self._reply(route, scope, headers, receive)
        except ProblemError as problem:
            reply = problem_reply(problem, request, is_v2=is_v2)
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
            failed = ProblemError(500, "the server failed; its log says more")
            reply = problem_reply(failed, request, is_v2=is_v2)
        seconds = time.perf_counter() - start
        self._metrics.count(route.endpoint, reply, seconds)
        if self.options.log_requests:
            log(
                "request",
                request=request,
                method=scope["method"],
                path=scope["path"][:200],
                status=reply.status,
                ms=round(1000 * seconds, 3),
                **reply.about,
            )
        # what follows a body in chunks is not read as a request: chunks can be read in several ways
        close = [(b"connection", b"close")] if b"transfer-encoding" in headers else []
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
                    *close,
                ],
            }
        )
        body = b"" if scope["method"] == "HEAD" else reply.body
        await send({"type": "http.response.body", "body": body})

    def _identifier(self, headers: dict[bytes, bytes]) -> str:
        identifier = headers.get(b"x-request-id", b"").decode("latin-1")
        if _IDENTIFIER.fullmatch(identifier):
            return identifier
        return f"{self._prefix}-{next(self._number)}"

    async def _reply(
        self,
        route: Route,
        scope: MutableMapping[str, Any],
        headers: dict[bytes, bytes],
        receive: Receive,
    ) -> Reply:
        self._require_host(headers)
        is_known = self._tokens is None or self._tokens.accept(headers.get(b"authorization", b""))
        if not is_known and not route.is_open:
            header = {"www-authenticate": "Bearer"}
            raise ProblemError(401, "the request has no valid token", "see --token-file", header)
        path, method = scope["path"], scope["method"]
        if route.endpoint not in PROTOCOLS:
            stopping = self.stopping
            return self._pages.page(path, method, route, stopping=stopping, in_full=is_known)
        served = route.served(self.models)
        require_method(method, "POST")
        return await self._predict(route, served, scope, headers, receive)

    def _require_host(self, headers: dict[bytes, bytes]) -> None:
        """Refuse other names of this machine, which a page elsewhere may have made up."""
        if self._hosts:
            host = headers.get(b"host", b"").decode("latin-1").lower()
            name = re.sub(r":\d*$", "", host)
            if name not in self._hosts:
                raise ProblemError(421, "the header Host names another server", "see --allow-host")

    async def _predict(
        self,
        route: Route,
        served: ServedModel,
        scope: MutableMapping[str, Any],
        headers: dict[bytes, bytes],
        receive: Receive,
    ) -> Reply:
        is_v2 = route.endpoint == "infer"
        form = body_form(headers, JSON if is_v2 else "")
        accepted = accepted_form(headers)
        if is_v2 and "csv" in (form, accepted):
            raise ProblemError(415 if form == "csv" else 406, "the protocol is JSON")
        if is_v2 and b"inference-header-content-length" in headers:
            help_ = "send them as JSON (tritonclient: binary_data=False)"
            raise ProblemError(415, "binary tensors are not accepted", help_)
        query = Query.of(scope["query_string"])
        if self.stopping:
            raise _busy("the server is stopping")
        model = served.model  # of the version in the path, even if a reload comes with the body
        body = await self._body(headers, receive)
        protocol, most_rows = PROTOCOLS[route.endpoint], self.options.max_rows
        request = PredictionRequest(body, form, accepted, query, most_rows, protocol)
        try:
            if len(body) <= SMALL and model.expected_seconds(request) < QUICK:
                answer = model.answer(request)
            else:
                answer = await self._in_thread(model, request)
        except DataError as error:
            raise ProblemError.of(error) from None
        except MemoryError:
            message = "not enough memory"
            raise ProblemError(503, message, "send fewer rows", {"retry-after": "1"}) from None
        if answer.unusual:
            self._metrics.count_cells(served.name, answer.unusual)
        about = {"model": served.name, "version": model.version, "rows": answer.rows}
        kind = JSON if accepted == "json" else f"{CSV}; charset=utf-8"
        return Reply(answer.body, kind, headers=[(b"x-model", model.version.encode())], about=about)

    async def _in_thread(self, model: LoadedModel, request: PredictionRequest) -> Answer:
        if self._active >= self.options.threads + self.options.queue:
            raise _busy("too many requests at the same time")
        self._active += 1
        loop = asyncio.get_running_loop()
        work = self.threads.submit(model.answer, request)

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
        most, length = self.options.max_bytes, headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > most:
            raise _too_large(most)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.options.client_timeout):
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
            late = f"the body did not arrive within {self.options.client_timeout:g} s"
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
            if self._tokens is not None:
                await loop.run_in_executor(self._loader, self._reload_tokens, self._tokens)
            for served in self.models.values():
                before = served.error
                try:
                    if await loop.run_in_executor(self._loader, served.changed):
                        await loop.run_in_executor(self._loader, self._reload, served)
                except Exception as error:  # keep watching
                    served.error = error_summary(error)
                if served.error is not None and served.error != before:
                    log("reload failed", "error", model=served.name, error=served.error)

    def _reload_tokens(self, tokens: Tokens) -> None:
        before = tokens.error
        if tokens.reload():
            log("reloaded", tokens=True)
        if tokens.error not in (None, before):
            log("reload failed", "error", error=tokens.error)

    def _reload(self, served: ServedModel) -> None:
        def notice(sentence: str) -> None:
            log("note", model=served.name, note=sentence)

        start = time.perf_counter()
        if served.reload(self._registry, notice):
            ms = round(1000 * (time.perf_counter() - start), 1)
            log("reloaded", model=served.name, version=served.model.version, ms=ms)


class _GoneError(Exception):
    """The client closed the connection before its request was complete."""


def _busy(message: str) -> ProblemError:
    return ProblemError(503, message, "try again", {"retry-after": "1"})


def _too_large(most: int) -> ProblemError:
    message = f"the body has more than {most} bytes"
    return ProblemError(413, message, "send several requests", {"connection": "close"})


def _frames(error: BaseException) -> list[str]:
    """Return where an error was raised, without its values."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    return [f"{PurePath(at.filename).name}:{at.lineno} {at.name}" for at in frames[-8:]]
