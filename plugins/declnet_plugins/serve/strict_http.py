"""HTTP/1.1 without the leniency by which two servers could divide a connection differently.

A request whose end is not beyond doubt is answered with 400, and its connection is closed, so that
nothing after it is taken for another request (RFC 9112, sections 2.2, 5.2, 6.1 and 6.3).
"""

from __future__ import annotations

import re
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_HEAD = re.compile(rb".*?\n\r?\n", re.DOTALL)
_DOUBTFUL = re.compile(
    rb"(?<!\r)\n"  # a line that ends without a carriage return
    rb"|\r(?!\n)"
    rb"|\r\n[ \t]"  # a header on several lines
    rb"|\ncontent-length:[^\r]*,"  # several lengths
    rb"|\ncontent-length:.*\ncontent-length:",
    re.DOTALL | re.IGNORECASE,
)


class StrictConnection(h11.Connection):  # type: ignore[misc]
    """A connection that refuses requests of doubtful length, which h11 accepts."""

    def next_event(self) -> Any:
        """Return the next event.

        Raises:
            h11.RemoteProtocolError: the request is malformed, or its length is doubtful.
        """
        if self.their_state is h11.IDLE:
            head = _HEAD.match(self.trailing_data[0])
            if head is not None and _DOUBTFUL.search(head[0]):
                raise h11.RemoteProtocolError("the length of the request is doubtful")
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = {name for name, _ in event.headers}
            if b"transfer-encoding" in names and (
                b"content-length" in names or event.http_version < b"1.1"
            ):
                raise h11.RemoteProtocolError("the length of the request is doubtful")
        return event


class StrictProtocol(H11Protocol):  # type: ignore[misc]
    """uvicorn's protocol on a strict connection."""

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self.conn = StrictConnection(h11.SERVER, config.h11_max_incomplete_event_size)

    def send_400_response(self, msg: str) -> None:
        """Answer with 400, unless a response has begun, and close the connection."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()
