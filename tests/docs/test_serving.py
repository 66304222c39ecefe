"""`docs/how_to/serving.md` shows the answers of `declnet serve` to its curl commands."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("orjson", reason="needs the extra serve")


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return the language and the text of each block of a page."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)


def rounded(value: Any) -> Any:
    """Return JSON with numbers rounded to four digits, since the last bits depend on the CPU."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_answers_are_as_shown(docs: Path, tmp_path: Path) -> None:
    trained = next(
        text for _, text in blocks(docs / "how_to" / "predicting.md") if "declnet.run(" in text
    )
    subprocess.run([sys.executable, "-c", trained], cwd=tmp_path, check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log_file = tmp_path / "log"
    code = "from declnet_plugins.serve.commands import serve; serve()"
    with log_file.open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / "flowers", "--port", str(port)], stderr=log
        )
    try:
        deadline = time.monotonic() + 60
        while '"listening"' not in log_file.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        shown = blocks(docs / "how_to" / "serving.md")
        pairs = [
            (command, answer)
            for (_, command), (_, answer) in pairwise(shown)
            if command.startswith("curl")
        ]
        assert len(pairs) == 5
        for command, answer in pairs:
            words = shlex.split(command.replace(":8000", f":{port}").replace("$'", "'"))
            words = [word.replace("\\n", "\n") for word in words]
            reply = subprocess.run([*words, "--silent"], capture_output=True, text=True, check=True)
            if not answer.startswith("{"):
                numbers = r"\d\.\d{4}"
                assert re.findall(numbers, reply.stdout) == re.findall(numbers, answer)
                assert reply.stdout.splitlines()[0] == answer.splitlines()[0]
                continue
            served = json.loads(reply.stdout)
            served.pop("request", None)
            assert rounded(served) == rounded(json.loads(answer))
    finally:
        server.terminate()
        assert server.wait(30) == 0
