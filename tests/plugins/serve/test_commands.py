"""The command line of `declnet serve`."""

from __future__ import annotations

import socket

import pytest
from click.testing import CliRunner

from declnet import DeclnetError
from declnet_plugins.serve.commands import accepted_hosts, serve


def outcome(*arguments):
    return CliRunner().invoke(serve, [str(argument) for argument in arguments])


def test_errors_are_reported_before_anything_is_served(runs, tmp_path):
    result = outcome(tmp_path)
    assert isinstance(result.exception, DeclnetError)
    assert str(tmp_path) in str(result.exception)
    result = outcome(runs / "flowers", runs / "flowers")
    assert (result.exit_code, 'two models are called "flowers"' in result.output) == (2, True)
    result = outcome(f"a b={runs / 'flowers'}")
    assert result.exit_code == 2
    assert "may have only letters, digits" in result.output


def test_a_port_in_use(runs):
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = outcome(runs / "flowers", "--port", other.getsockname()[1])
    assert isinstance(result.exception, DeclnetError)
    assert "cannot listen on 127.0.0.1" in str(result.exception)


@pytest.mark.parametrize("option", [("--port", 70000), ("--workers", 0), ("--max-rows", "x")])
def test_options_are_checked(runs, option):
    assert outcome(runs / "flowers", *option).exit_code == 2


def test_local_probes_are_accepted_in_addition_to_the_allowed_hosts():
    assert accepted_hosts("0.0.0.0", ()) == ()
    local = {"127.0.0.1", "localhost", "[::1]"}
    assert set(accepted_hosts("127.0.0.1", ())) == local
    outside = accepted_hosts("fd00::1", ("models.example.org",))
    assert set(outside) == local | {"[fd00::1]", "models.example.org"}
