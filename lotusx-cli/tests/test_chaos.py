"""The bad network: its script, and what it does to connections."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import pytest

from lotusx_cli.failures import Exit
from lotusx_cli.mischief import LASTING, Kind, script

if TYPE_CHECKING:
    from .conftest import Lotusx, Venue


def test_a_seed_decides_everything() -> None:
    def steps(seed: int) -> list[object]:
        return list(islice(script(seed, every_s=10, hold_s=3), 50))

    assert steps(7) == steps(7)
    assert steps(7) != steps(8)


def test_each_fault_happens_before_any_happens_again_and_none_while_another_lasts() -> None:
    steps = list(islice(script(3, every_s=10, hold_s=3), 5 * len(Kind)))
    assert {step.kind for step in steps[: len(Kind)]} == set(Kind)
    for one, other in pairwise(steps):
        assert one.at_s + one.for_s + 5 <= other.at_s + 0.001
        assert (one.for_s > 0) == (one.kind in LASTING)


def test_only_the_chosen_faults_happen() -> None:
    assert {step.kind for step in islice(script(1, every_s=1, hold_s=1, kinds=[Kind.CUT]), 9)} == {Kind.CUT}


def test_every_fault_is_said_and_happens(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"chaos {binance.server.base_url} --every 0.01 --hold 0.01 --count {len(Kind)} --json")
    told = [json.loads(line) for line in done.lines]
    assert done.code == 0
    assert told[0]["what"] == "listening"
    assert {item["what"] for item in told[1:]} == {*Kind, "healed"}
    assert "0 connections" in done.err


def test_what_would_happen_can_be_seen_before(lotusx: Lotusx) -> None:
    done = lotusx("chaos 127.0.0.1:9 --show --count 3 --seed 5 --fault slow --fault reset")
    assert done.code == 0
    assert done.lines[0] == "at_s\twhat\tfor_s\tconnections\tdetail"
    assert len(done.lines) == 4
    assert {line.split("\t")[1] for line in done.lines[1:]} <= {"slow", "reset"}


def test_a_target_where_nobody_answers_is_an_error_at_once(lotusx: Lotusx, free_port: int) -> None:
    done = lotusx(f"chaos 127.0.0.1:{free_port}")
    assert done.code == Exit.NETWORK
    assert f"127.0.0.1:{free_port} cannot be reached" in done.err


@pytest.mark.parametrize("target", ["nowhere", "127.0.0.1:0", "127.0.0.1:99999", "ftp://host:21", "host:port"])
def test_a_target_that_is_no_address_is_wrong_usage(target: str, lotusx: Lotusx) -> None:
    done = lotusx(f"chaos {target}")
    assert done.code == Exit.USAGE
    assert "HOST:PORT" in done.err


def ask_for_ever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"GET /api/v3/ping HTTP/1.1\r\nhost: x\r\n\r\n")
        connection.recv(4096)


def test_a_connection_through_it_is_reset_and_control_c_ends_it(binance: Venue) -> None:
    arguments = [sys.executable, "-m", "lotusx_cli", "chaos", binance.server.base_url, "--json"]
    arguments += ["--every", "0.2", "--fault", "reset"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = json.loads(process.stdout.readline())["detail"].split()[0].removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1])), timeout=30) as ours:
            with pytest.raises(ConnectionResetError):
                ask_for_ever(ours)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        assert "1 connections" in process.stderr.read()
