"""HTTP/1.1 without the leniency by which two servers could divide a connection differently.

A request whose end is not beyond doubt is answered with 400, and its connection is closed, so that
nothing after it is taken for another request (RFC 9112, sections 2.2, 5.2, 6.1 and 6.3). llhttp
refuses nearly all of them by itself.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 16 * 1024
"""Bytes of a request's line and headers, at most; llhttp has no limit."""

_CODINGS: tuple[list[bytes], ...] = ([], [b"chunked"])


class _JoiningTransport:
    """A transport that sends the head of a response with its body, in one call of the system."""

    def __init__(self, transport: Any) -> None:
        self._transport, self._head = transport, b""
        self.is_closing = transport.is_closing  # asked for by every response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Keep the head of a final response; send everything else."""
        if not self._head and data[:9] == b"HTTP/1.1 " and data[9:10] != b"1":
            self._head = data
        else:
            self.flush(data)

    def flush(self, data: bytes = b"") -> None:
        """Send what is kept, and more."""
        head, self._head = self._head, b""
        if head or data:
            self._transport.write(head + data)

    def close(self) -> None:
        """Send what is kept, and close."""
        self.flush()
        self._transport.close()


class StrictProtocol(HttpToolsProtocol):  # type: ignore[misc]
    """uvicorn's protocol, with a limit for headers, and without ambiguous codings.

    Requests before a refused one are answered first, in order.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head = 0  # bytes of the request whose headers are not complete
        self._in_head = self._in_body = self._refused = False

    def connection_made(self, transport: Any) -> None:
        """Begin a connection."""
        super().connection_made(_JoiningTransport(transport))

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived."""
        if self._refused:
            return
        was_in_body = self._in_body
        super().data_received(data)
        if self._in_head and not self._refused and not was_in_body:
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self.send_400_response("The headers are too large.")

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._head, self._in_head = 0, True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; those after the body are left out."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer; raise ValueError, which httptools turns into its own, if in doubt."""
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        size = sum(len(name) + len(value) for name, value in self.headers) + len(self.url)
        if codings not in _CODINGS or (codings and self.parser.get_http_version() != "1.1"):
            raise ValueError("the length of the request is in doubt")
        if size > LARGEST_HEAD:
            raise ValueError("the headers are too large")
        self._in_head, self._in_body = False, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request."""
        super().on_message_complete()
        self._in_body = False

    def send_400_response(self, msg: str) -> None:
        """Answer with 400 after the requests before, unless a response has begun; then close."""
        self._refused = True
        cycle = self.cycle
        if self._in_body:  # the request itself has been passed on
            started, cycle.disconnected = cycle.response_started, True
            cycle.message_event.set()
            if self.pipeline:
                self.pipeline.popleft()
                return
            if started:
                self.transport.close()
                return
        elif cycle is not None and not cycle.response_complete:
            return
        super().send_400_response(msg)

    def on_response_complete(self) -> None:
        """Answer the next request, or refuse it."""
        is_last = not self.pipeline
        self.transport.flush()  # of HEAD, which has no body
        super().on_response_complete()
        if self._refused and is_last:
            super().send_400_response("Invalid HTTP request received.")
