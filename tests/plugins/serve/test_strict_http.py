"""Requests that two servers could split differently on one connection, on raw sockets."""

from __future__ import annotations

import re
import socket

import pytest

NEXT = b"GET /models HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""A request that must not be answered after an ambiguous one, or within its body."""

POST = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
ROWS = b'[{"size": 0.25, "age": 20, "color": "red", "<i>fresh</i>": true}]'
LENGTH = b"Content-Length: %d\r\n" % len(ROWS)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
END = b"0\r\n\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(ROWS), ROWS)

AMBIGUOUS = {
    "both": POST + LENGTH + CHUNKED + b"\r\n" + CHUNKS,
    "both, no chunks": POST + CHUNKED + LENGTH + b"\r\n0\r\n\r\n",
    "two lengths": POST + LENGTH + b"Content-Length: 0\r\n\r\n" + ROWS,
    "equal lengths": POST + LENGTH + LENGTH + b"\r\n" + ROWS,
    "a list of lengths": POST + b"Content-Length: %d, 0\r\n\r\n" % len(ROWS) + ROWS,
    "a list of equal lengths": POST + LENGTH[:-2] + b", %d\r\n\r\n" % len(ROWS) + ROWS,
    "a signed length": POST + LENGTH.replace(b": ", b": +") + b"\r\n" + ROWS,
    "a hexadecimal length": POST + b"Content-Length: 0x10\r\n\r\n" + ROWS,
    "a negative length": POST + b"Content-Length: -1\r\n\r\n" + ROWS,
    "a space before a colon": POST + LENGTH.replace(b":", b" :") + b"\r\n" + ROWS,
    "a folded length": POST + b"Content-Length:\r\n %d\r\n\r\n" % len(ROWS) + ROWS,
    "a folded header": POST + b"X: a\r\n\tb\r\n" + LENGTH + b"\r\n" + ROWS,
    "a length in a folded header": POST + b"X: a\r\n " + LENGTH + b"\r\n" + ROWS,
    "a bare line feed": POST + b"X: a\n" + LENGTH + b"\r\n" + ROWS,
    "a length after a bare line feed": POST + b"X: a\n" + LENGTH[:-2] + b"\n\n" + ROWS,
    "only line feeds": NEXT.replace(b"\r", b""),
    "a bare carriage return": POST + b"X: a\rY: b\r\n" + LENGTH + b"\r\n" + ROWS,
    "chunks in HTTP/1.0": POST.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n" + CHUNKS,
    "two codings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
    "another coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
    "a coding twice": POST + CHUNKED + CHUNKED + b"\r\n" + CHUNKS,
    "a signed chunk": POST + CHUNKED + b"\r\n+" + CHUNKS,
    "a chunk of text": POST + CHUNKED + b"\r\nxyz\r\n",
    "a chunk of 2**100 bytes": POST + CHUNKED + b"\r\n1" + b"0" * 25 + b"\r\n" + ROWS,
    "a longer chunk": POST + CHUNKED + b"\r\n" + CHUNKS.replace(b"]\r", b"]..\r"),
    "a chunk after a bare line feed": POST + CHUNKED + b"\r\n" + CHUNKS.replace(b"\r\n[", b"\n["),
    "an extension with a line feed": POST
    + CHUNKED
    + b"\r\n"
    + CHUNKS.replace(b"\r\n[", b";\n\r\n["),
    "chunks ended by a line feed": POST + CHUNKED + b"\r\n" + CHUNKS[:-2] + b"\n",
    "headers without end": b"GET / HTTP/1.1\r\n" + b"X: %s\r\n" % (b"a" * 100) * 200,
    "a header without end": b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000,
    "a path without end": b"GET /" + b"a" * 20_000,
    "large headers": NEXT[:-2] + b"X: %s\r\n" % (b"a" * 100) * 200 + b"\r\n",
    "another protocol": b"\x16\x03\x01\x00\xa5",
}
"""Requests whose end is ambiguous: they get 400, and nothing is answered after it."""

CLOSING = {
    "chunks": (200, POST + CHUNKED + b"\r\n" + CHUNKS),
    "a large body": (413, POST + b"Content-Length: 5000\r\n\r\n" + NEXT * 70),
    "large chunks": (413, POST + CHUNKED + b"\r\n" + b"800\r\n%s\r\n" % (b" " * 2048) * 3 + END),
    "chunks to no path": (404, POST.replace(b"/pre", b"/x") + CHUNKED + b"\r\n" + CHUNKS),
}
"""Requests that end their connection regardless of the answer."""

IGNORED = {
    "no path": (404, POST.replace(b"/pre", b"/x") + LENGTH),
    "another method": (405, POST.replace(b"POST", b"PUT") + LENGTH),
    "another type": (415, POST.replace(b"json", b"xml") + LENGTH),
    "a body of GET": (200, NEXT[:-2] + LENGTH),
}
"""Requests that are answered without their body, which is skipped."""


@pytest.fixture(scope="module")
def port(start, runs):
    return start(runs / "flowers", "--port", 0, "--max-bytes", 1000, "--client-timeout", 3).port


def answers(port, *parts):
    """Send parts one after another; return the statuses and whether the connection is closed."""
    received, closed = b"", False
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for part in parts:
                client.sendall(part)
            while part := client.recv(1 << 16):
                received += part
                client.settimeout(0.25)  # an open connection sends nothing more
            closed = True
        except ConnectionError:
            closed = True
        except TimeoutError:
            pass
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", received)], closed


def test_nothing_after_an_ambiguous_request_is_answered(port):
    for name, sent in AMBIGUOUS.items():
        for parts in ((sent + NEXT * 2,), (sent, NEXT), (sent[:90], sent[90:] + NEXT)):
            assert answers(port, *parts) == ([400], True), name
        assert answers(port, NEXT + sent + NEXT) == ([200, 400], True), name


def test_connections_end_after_chunks_and_large_bodies(port):
    for name, (status, sent) in CLOSING.items():
        statuses, closed = answers(port, sent + NEXT)
        assert (statuses, closed) in (([status], True), ([], True)), name  # [] after a reset
        assert answers(port, NEXT + sent + NEXT)[0] in ([200, status], [200], []), name


def test_a_body_that_is_not_read_is_not_taken_for_a_request(port):
    body = (NEXT * 2)[: len(ROWS)]
    for name, (status, head) in IGNORED.items():
        assert answers(port, head + b"\r\n" + body + NEXT) == ([status, 200], False), name
        assert answers(port, head + b"\r\n", body[:9], body[9:] + NEXT)[0] == [status, 200], name


def test_a_body_may_be_larger_than_headers(start, runs):
    port = start(runs / "flowers", "--port", 0).port
    body = b"[" + b", ".join([ROWS[1:-1]] * 1000) + b"]"
    sent = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    assert answers(port, sent[:50_000], sent[50_000:] + sent + NEXT) == ([200] * 3, False)


def test_headers_after_a_body_are_left_out(port):
    trailer = b"0\r\nContent-Type: text/plain\r\nHost: elsewhere\r\n\r\n"
    sent = POST + CHUNKED + b"\r\n" + CHUNKS.replace(END, trailer)
    assert answers(port, sent) == ([200], True)


def test_plain_requests_share_a_connection(port):
    sent = POST + LENGTH + b"\r\n" + ROWS
    assert answers(port, (sent + NEXT) * 2) == ([200] * 4, False)
    assert answers(port, b"\r\n" + NEXT) == ([200], False)  # RFC 9112, section 2.2
    closing = sent.replace(b"Host:", b"Connection: close\r\nHost:")
    assert answers(port, sent + closing + NEXT) == ([200, 200], True)
