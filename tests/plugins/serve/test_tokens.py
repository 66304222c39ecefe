"""Bearer tokens."""

from __future__ import annotations

import json
import os
import time

import pytest

from declnet_plugins.serve.tokens import TokenError, Tokens

FIRST, SECOND = "a" * 31 + "=", "Bc-._~+/" * 4
ROW = {"size": 0.25, "age": 20, "color": "red", "<i>fresh</i>": True}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"{FIRST}\n")
    path.chmod(0o600)
    return path


def test_requests_need_a_token_and_health_does_not(client, path):
    ask = client(token_file=path, hosts=("localhost",))
    host = {"host": "localhost"}
    closed = ["/predict", "/invocations", "/v2/models/flowers/infer", "/metrics", "/models"]
    closed += ["/docs", "/openapi.json", "/v2", "/v2/models/flowers", "/", "/nothing"]
    wrong = ["", FIRST, f"Basic {FIRST}", f"Bearer {SECOND}", f"Bearer {FIRST}x", "Bearer "]
    for place in closed:
        for header in wrong:
            body = [ROW] if place == "/predict" else None
            refused = ask(place, body, authorization=header, **host)
            assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer"), place
    assert "a" * 20 not in refused.body.decode()
    known = {**host, "authorization": f"Bearer {FIRST}"}
    assert ask("/predict", [ROW], **known).status == 200
    assert ask("/metrics", **{**known, "authorization": f"bearer  {FIRST} "}).status == 200
    opened = ["/health", "/health/live", "/health/ready", "/ping", "/v2/health/live"]
    for place in [*opened, "/v2/health/ready", "/v2/models/flowers/ready"]:
        assert ask(place, **host).status == 200
    assert ask("/health", **known).status == 200
    assert ask("/health", host="elsewhere").status == 421


def test_tokens_are_read_again_when_the_file_changes(path):
    tokens = Tokens(path, print)
    assert not tokens.reload()
    path.write_text(f"\n{SECOND}\n{FIRST}\n")
    assert tokens.reload()
    assert all(tokens.accept(f"Bearer {token}".encode()) for token in (FIRST, SECOND))
    path.write_text(f"{SECOND}\n")
    assert tokens.reload()
    assert not tokens.accept(f"Bearer {FIRST}".encode())
    for content in ("", " \n", "short\n", f"{FIRST} {SECOND}\n", f"{SECOND}\n\x00{FIRST}\n"):
        path.write_text(content)
        assert not tokens.reload()
        assert str(path) in tokens.error
        assert FIRST not in tokens.error
        assert tokens.accept(f"Bearer {SECOND}".encode())
    path.unlink()
    assert not tokens.reload()
    assert tokens.error
    path.write_text(f"{FIRST}\n")
    assert tokens.reload()
    assert tokens.error is None


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX times of changes")
def test_a_file_that_changes_only_its_content_is_read_again(path):
    path.write_text(f"{SECOND}\n")
    tokens, about = Tokens(path, print), path.stat()
    time.sleep(0.02)  # the step of a file system's clock
    path.write_text(f"{SECOND[::-1]}\n")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))  # as `cp -p` does
    assert tokens.reload()
    assert tokens.accept(f"Bearer {SECOND[::-1]}".encode())


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "has no token"), ("short", "line 1 is not a token"), ("x" * 70_000, "more than 65536")],
)
def test_a_file_without_tokens_is_refused(path, content, message):
    path.write_text(content)
    with pytest.raises(TokenError, match=message):
        Tokens(path, print)
    with pytest.raises(TokenError, match="No such file"):
        Tokens(path.with_name("none"), print)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_a_file_that_everybody_can_read_gets_a_note(path):
    path.chmod(0o644)
    notes = []
    Tokens(path, notes.append)
    assert notes == [f"{path}: every user of this machine can read it (chmod 600)"]


def test_the_description_has_the_scheme(client, path):
    known = {"authorization": f"Bearer {FIRST}"}
    document = json.loads(client(token_file=path)("/openapi.json", **known).body)
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert document["security"] == [{"token": []}]
    assert document["paths"]["/health"]["get"]["security"] == []
    assert "security" not in client()("/openapi.json").json
