"""Load tests of `declnet serve` and of FastAPI with ONNX Runtime and PyTorch.

`python benchmarks/serving.py` needs wrk (`apt-get install wrk`) and fastapi, onnx, onnxruntime,
torch and uvicorn. All servers are one process behind uvicorn and httptools, and answer the same
requests with the same network, 64→128→64→10 in float32. declnet also validates rows strictly and
logs each request. Rounds go in turns; the table has their medians.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import declnet
import numpy as np

HERE = Path(__file__).parent
DECLNET = "from declnet_plugins.serve.commands import serve\nif __name__ == '__main__': serve()\n"
LARGEST_ERROR = 1e-5  # of a probability
LOADS = ((1, 1), (1, 16), (100, 16), (1000, 16))
"""Rows of a request, and connections that each send the next as soon as one is answered."""

PEERS = ("declnet", "declnet-quiet", "onnxruntime", "torch")


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def trained(folder: Path) -> declnet.Predictor:
    """Return the predictor of a short run, whose weights are in `weights.npz`, too."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 64)).astype(np.float32)
    np.savez(folder / "digits.npz", x=x, y=x[:, :10].argmax(axis=1))
    layers = [{"type": "dense", "units": 128}, "relu", {"type": "dense", "units": 64}, "relu"]
    document = {
        "declnet": 1,
        "data": {"train": {"type": "npz", "path": str(folder / "digits.npz")}},
        "model": {"layers": [*layers, {"type": "dense", "units": 10}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 20},
    }
    declnet.run(declnet.parse_spec(document), out=folder / "run")
    parameters = declnet.open_run(folder / "run").parameters()
    arrays: dict[str, Any] = {}
    for at in range(3):
        for name in ("weights", "biases"):
            arrays[f"{name}_{at}"] = np.float32(parameters[f"dense_{at + 1}.{name}"])
    np.savez(folder / "weights.npz", **arrays)
    (folder / "serving.py").write_text(DECLNET)
    return declnet.load_predictor(folder / "run")


def command(peer: str, folder: Path, port: int) -> list[str]:
    """Return the command of a peer's server."""
    if peer.startswith("declnet"):
        quiet = ["--no-log-requests"] if peer.endswith("quiet") else []
        return [
            sys.executable,
            f"{folder}/serving.py",
            f"{folder}/run",
            "--port",
            str(port),
            *quiet,
        ]
    module = f"peers.serving_{peer}"
    return [sys.executable, "-m", module, f"{folder}/weights.npz", str(port)]


@contextmanager
def serving(peer: str, folder: Path) -> Iterator[tuple[int, int]]:
    """Start a peer's server; yield its port and the number of its process."""
    port = free_port()
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with (folder / f"{peer}.log").open("wb") as log:
        process = subprocess.Popen(
            command(peer, folder, port), stdout=log, stderr=log, cwd=HERE, env=environment
        )
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    ask(port, "GET", "/health/ready")
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > deadline:
                        text = (folder / f"{peer}.log").read_text()
                        raise SystemExit(f"{peer} does not answer:\n{text}") from None
                    time.sleep(0.05)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait()


def ask(port: int, method: str, path: str, body: str | None = None) -> bytes:
    """Return the body of a response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        return connection.getresponse().read()
    finally:
        connection.close()


def require_right(peer: str, port: int, predictor: declnet.Predictor, rows: np.ndarray) -> None:
    """Exit if a server's probabilities are wrong."""
    response = json.loads(ask(port, "POST", "/predict", json.dumps(rows.tolist())))
    answers = [[row[f"probability_{k}"] for k in range(10)] for row in response["predictions"]]
    error = np.abs(np.array(answers) - predictor.predict(rows).probabilities).max()
    if error > LARGEST_ERROR:
        raise SystemExit(f"{peer}: its probabilities are off by {error:.2g}")


def matched(pattern: str, text: str) -> re.Match[str]:
    """Return the first match of a pattern; exit if there is none."""
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"not as expected:\n{text}")
    return match


def load(port: int, body: str, connections: int, seconds: float, folder: Path) -> dict[str, float]:
    """Return requests/s, and milliseconds of the median and of p99, as wrk measures them."""
    script = folder / "load.lua"
    script.write_text(
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        f"wrk.body = [==[{body}]==]\n"
    )
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s", "--latency"]
    done = subprocess.run(
        [*words, "-s", str(script), f"http://127.0.0.1:{port}/predict"],
        capture_output=True,
        text=True,
        check=True,
    )
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise SystemExit(done.stdout)
    units = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    measures = {}
    for name, share in (("median", 50), ("p99", 99)):
        latency = matched(rf"{share}%\s+([\d.]+)(us|ms|s)", done.stdout)
        measures[name] = float(latency[1]) * units[latency[2]]
    measures["requests"] = float(matched(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])
    return measures


def processor_time(process: int) -> float:
    """Return the seconds of processor time that a process has used, where /proc tells them."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> float:
    """Return the MiB of a process, where /proc tells them."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return float("nan")
    return int(matched(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", type=Path, help="write all rounds to this file")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: apt-get install wrk")
    rounds: dict[str, dict[str, list[dict[str, float]]]] = {}
    memory: dict[str, float] = {}
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        predictor = trained(folder)
        x = np.random.default_rng(1).normal(size=(1000, 64)).round(4).astype(np.float32)
        for number in range(arguments.rounds):
            for peer in arguments.peers:
                with serving(peer, folder) as (port, process):
                    require_right(peer, port, predictor, x)
                    load(port, json.dumps(x[:1].tolist()), 4, 1, folder)  # warm-up
                    for rows, connections in LOADS:
                        body = json.dumps(np.float64(x[:rows]).round(4).tolist())
                        before, start = processor_time(process), time.monotonic()
                        measures = load(port, body, connections, arguments.seconds, folder)
                        answered = measures["requests"] * (time.monotonic() - start)
                        measures["cpu"] = 1e6 * (processor_time(process) - before) / answered
                        key = f"{rows} × {connections}"
                        rounds.setdefault(peer, {}).setdefault(key, []).append(measures)
                    memory[peer] = resident(process)
            print(f"round {number + 1}: load {os.getloadavg()[0]:.1f}", flush=True)
    print_table(rounds, memory)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"rounds": rounds, "memory": memory}, indent=1))


def print_table(
    rounds: dict[str, dict[str, list[dict[str, float]]]], memory: dict[str, float]
) -> None:
    """Print the medians of the rounds."""
    print(
        "| server | rows × connections | requests/s | median ms | p99 ms | CPU µs a request | MiB |"
    )
    print("|---|---|---|---|---|---|---|")
    for rows, connections in LOADS:
        key = f"{rows} × {connections}"
        for peer, loads in rounds.items():
            middle = {name: median(load[name] for load in loads[key]) for name in loads[key][0]}
            numbers = f"{middle['requests']:.0f} | {middle['median']:.2f} | {middle['p99']:.2f}"
            print(f"| {peer} | {key} | {numbers} | {middle['cpu']:.0f} | {memory[peer]:.0f} |")


if __name__ == "__main__":
    main()
