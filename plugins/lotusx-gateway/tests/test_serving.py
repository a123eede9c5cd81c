"""The gateway's document, the broker's configuration made of it, and the command that serves."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import anyio
import pytest
from gateway_kit import BTC, READER, SUBJECTS, TRADER, NatsServer, password, until

import lotusx
from lotusx.errors import AuthenticationError, ConfigurationError
from lotusx_gateway import Gateway, User, render_permissions
from lotusx_gateway.__main__ import main, serve
from lotusx_gateway.permissions import password_variable
from lotusx_gateway.settings import read_settings
from lotusx_sim import BinanceSpot, serve as simulated

DOCUMENT = """
exchange = "binance"
environment = "simulator"
base_url = "{base_url}"
server = "{server}"
[users.reader]
[users.trader]
"""


def test_the_brokers_configuration_admits_each_user_to_its_own_and_names_no_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        'exchange = "okx"\nserver = "nats://b"\naccounts = ["main"]\n'
        '[users.a]\n[users.b]\naccounts = ["main"]\nnkey = "UABC"\n'
    )
    assert main(["permissions", str(file)]) == 0
    assert capsys.readouterr().out == (
        'ping_interval: "5s"\nping_max: 2\nauthorization {\n  users = [\n'
        '    { user: "gateway", password: $NATS_GATEWAY_PASSWORD,\n'
        "      permissions: {\n"
        '        publish: { allow: ["lotusx.okx.live.>", "_INBOX.>"] }\n'
        '        subscribe: { allow: ["lotusx.okx.live.>", "_INBOX.gateway.>"] }\n'
        "      } }\n"
        '    { user: "a", password: $NATS_A_PASSWORD,\n'
        "      permissions: {\n"
        '        publish: { allow: ["lotusx.okx.live.ask.a.market"] }\n'
        '        subscribe: { allow: ["lotusx.okx.live.feed.>", "_INBOX.a.>"] }\n'
        "      } }\n"
        '    { nkey: "UABC",\n'
        "      permissions: {\n"
        '        publish: { allow: ["lotusx.okx.live.ask.b.market", "lotusx.okx.live.ask.b.account.main"] }\n'
        '        subscribe: { allow: ["lotusx.okx.live.feed.>", "lotusx.okx.live.account.main.events", '
        '"_INBOX.b.>"] }\n'
        "      } }\n  ]\n}\n"
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "exchange is missing"),
        ("exchange = 'a'\nserver = 'b'\nserve = 1", "unknown key 'serve'"),
        ("exchange = 'a'\nserver = 'b'\nuser = 1", "user must be text"),
        ("exchange = 'a'\nserver = 'b'\naccounts = 'main'", "list of names"),
        ("exchange = 'a'\nserver = 'b'\nusers = 1", "table of its own"),
        ("exchange = 'a'\nserver = 'b'\nallow_anonymous = 1", "true or false"),
        ("exchange = 'a'\nserver = 'b'\n[users.x]\npassword = 'y'", "unknown key 'password'"),
        ("exchange = 'a'\nserver = 'b'\n[users.'x.y']", "the name of a user is up to 64"),
        ("exchange =", "Invalid value"),
    ],
)
def test_a_document_that_says_something_else_is_refused(text: str, what: str, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=what):
        read_settings(file)


def test_a_failure_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path / "none.toml")]) == 1
    assert capsys.readouterr().err.startswith("ConfigurationError: ")


@pytest.mark.anyio
async def test_the_command_serves_until_it_is_told_to_end(
    nats: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(password_variable("gateway"), password("gateway"))
    async with simulated(BinanceSpot(seed=7, actions_per_s=0)) as server, anyio.create_task_group() as tasks:
        file = tmp_path / "gateway.toml"
        file.write_text(DOCUMENT.format(base_url=server.base_url, server=nats.url))
        tasks.start_soon(serve, read_settings(file))
        await until(lambda: capsys.readouterr().out == "serving lotusx.binance.simulator\n")
        credentials = {"server": nats.url, "user": "reader", "password": password("reader")}
        async with lotusx.connect("gateway:binance", environment="simulator", credentials=credentials) as exchange:
            assert (await exchange.instrument(BTC)).venue_symbol == "BTCUSDT"
        os.kill(os.getpid(), signal.SIGTERM)  # `serve` ends by it, and then the task group does


@pytest.mark.anyio
async def test_a_gateway_that_cannot_serve_says_why(nats: NatsServer, tmp_path: Path) -> None:
    async with simulated(BinanceSpot(seed=7, actions_per_s=0)) as server:
        file = tmp_path / "gateway.toml"
        file.write_text(DOCUMENT.format(base_url=server.base_url, server=nats.url))
        with pytest.raises(AuthenticationError, match="does not let 'gateway' in"):
            await serve(read_settings(file))


def test_what_a_gateway_cannot_hold_is_refused_before_it_connects() -> None:
    public = lotusx.connect("binance")
    with pytest.raises(ConfigurationError, match="granted the account 'main', which this gateway does not hold"):
        Gateway(public, server="nats://b", users=[TRADER])
    with pytest.raises(ConfigurationError, match="to one exchange, in one environment"):
        Gateway(public, server="nats://b", users=[], accounts={"main": lotusx.connect("binance-perp")})
    with pytest.raises(ConfigurationError, match="two users of the broker have one name"):
        render_permissions([READER, READER], [SUBJECTS])


@pytest.mark.anyio
async def test_a_testnet_of_the_configuration_is_not_served_as_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOTUSX_BINANCE_ENVIRONMENT", "testnet")
    file = tmp_path / "gateway.toml"
    file.write_text('exchange = "binance"\nserver = "nats://b"\n')
    with pytest.raises(ConfigurationError, match="document is of live, the configuration of binance says testnet"):
        await serve(read_settings(file))


@pytest.mark.parametrize("other", ["bot_1", "BOT-1"])
def test_two_users_whose_passwords_would_be_one_are_refused(other: str) -> None:
    with pytest.raises(ConfigurationError, match="would have one password, NATS_BOT_1_PASSWORD"):
        render_permissions([User("bot-1"), User(other, ("main",))], [SUBJECTS])
    assert "U1" in render_permissions([User("bot-1"), User(other, nkey="U1")], [SUBJECTS])


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"servers": "x"}, "no option 'servers'"),
        ({"waiting": 0}, "waiting must be a whole number above 0"),
        ({"renew_s": 11}, "renew_s must be above 0 and at most 10"),
        ({"account": "a.b"}, "the account of a gateway is up to 64"),
    ],
)
def test_an_option_that_says_something_else_is_refused(options: dict[str, object], what: str) -> None:
    with pytest.raises(ConfigurationError, match=what):
        lotusx.connect("gateway:binance", options=options)


@pytest.mark.anyio
async def test_a_gateway_to_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="say which exchange is behind the gateway"):
        async with lotusx.connect("gateway"):
            raise AssertionError("it was opened")
