"""`declnet serve` as a process: signals, kills, slow clients and several workers."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROW = {"size": 0.25, "age": 20, "color": "red", "<i>fresh</i>": True}


def test_sigterm_completes_requests_and_slow_clients_are_closed(start, runs):
    server = start(runs / "flowers", "--port", 0, "--client-timeout", 0.5, "--max-rows", 100_000)
    stalled = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    stalled.sendall(b"POST /predict HTTP/1.1\r\nHost: 127")
    silent = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    dripping = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    dripping.sendall(
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n["
    )
    assert b"408" in dripping.recv(100)
    for client in (stalled, silent):
        with suppress(ConnectionResetError):
            assert client.recv(100) == b""
    for client in (stalled, silent, dripping):
        client.close()

    answers = []
    work = threading.Thread(
        target=lambda: answers.append(server.ask("POST", "/predict", [ROW] * 40_000))
    )
    work.start()
    time.sleep(0.15)
    assert server.end() == 0
    work.join(30)
    ((status, result),) = answers
    assert status == 200
    assert len(result["predictions"]) == 40_000
    lines = [line for line in server.log.read_text().splitlines() if line.startswith("{")]
    events = [json.loads(line)["event"] for line in lines]
    assert "slow client" in events
    assert events[-1] == "stopped"


@contextmanager
def retrying_clients(server):
    """Send requests from several threads, which retry until they get an answer."""
    answers, stop = [], threading.Event()

    def retry():
        while not stop.is_set():
            for _ in range(3000):
                with suppress(OSError, http.client.HTTPException):
                    answer = server.ask("POST", "/predict", [ROW], timeout=5)
                    if answer[0] != 503:  # the answer of a worker whose parent has ended
                        answers.append(answer)
                        break
                time.sleep(0.02)
            else:
                answers.append(None)
            time.sleep(0.002)

    clients = [threading.Thread(target=retry) for _ in range(3)]
    for client in clients:
        client.start()
    yield answers
    stop.set()
    for client in clients:
        client.join(60)


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_clients_that_retry_lose_nothing_when_the_server_is_killed(start, runs):
    def files():
        return {path: path.read_bytes() for path in (runs / "flowers").iterdir()}

    before = files()
    server = start(runs / "flowers", "--port", 0)
    expected = server.ask("POST", "/predict", [ROW])
    with retrying_clients(server) as answers:
        until(lambda: len(answers) > 20)
        server.process.kill()
        server.process.wait()
        again = start(runs / "flowers", "--port", server.port)
        count = len(answers)
        until(lambda: len(answers) > count + 20)
    assert again.end() == 0
    assert all(answer == expected for answer in answers)
    assert files() == before


@pytest.mark.skipif(
    "DECLNET_TEST_KILLS" not in os.environ or not Path("/proc/self/task").exists(),
    reason="starts six processes: set DECLNET_TEST_KILLS, on Linux",
)
def test_a_killed_worker_is_replaced_and_no_worker_outlives_the_server(start, runs):
    def workers():
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        return [
            int(client)
            for client in children.read_text().split()
            if b"spawn_main" in Path(f"/proc/{client}/cmdline").read_bytes()
        ]

    server = start(runs / "flowers", "--port", 0, "--workers", 2)
    expected = server.ask("POST", "/predict", [ROW])
    until(lambda: server.log.read_text().count("worker started") == 2)
    first = workers()
    assert len(first) == 2
    with retrying_clients(server) as answers:
        os.kill(first[0], signal.SIGKILL)
        until(lambda: server.log.read_text().count("worker started") == 3)
        count = len(answers)
        until(lambda: len(answers) > count + 20)
        left = workers()
        server.process.kill()
        server.process.wait()
        until(lambda: not any(Path(f"/proc/{client}").exists() for client in left))
        again = start(runs / "flowers", "--port", server.port, "--workers", 2)
        count = len(answers)
        until(lambda: len(answers) > count + 20)
    assert all(answer == expected for answer in answers)
    assert again.end() == 0


@pytest.mark.skipif(
    "DECLNET_TEST_KILLS" not in os.environ, reason="starts eight processes: set DECLNET_TEST_KILLS"
)
def test_a_worker_that_is_stopped_while_it_starts_ends(start, runs):
    server = start(runs / "flowers", "--port", 0, "--workers", 2)

    def processes(event):
        lines = server.log.read_text().splitlines()
        records = [json.loads(line) for line in lines if f'"{event}"' in line]
        return [record["process"] for record in records]

    until(lambda: len(processes("worker started")) == 2)
    for stopped in range(5):
        os.kill(processes("worker started")[-1], signal.SIGTERM)
        until(lambda stopped=stopped: len(processes("worker ended")) == stopped + 1)
        while len(processes("worker started")) < stopped + 3:
            pass  # a sleep would miss the moment
    assert server.end() == 0
