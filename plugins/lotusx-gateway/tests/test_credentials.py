"""How a user proves who it is."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from gateway_kit import BTC, READER, SUBJECTS, NatsServer, password, upstream

import lotusx
from lotusx.errors import ConnectionFailed, CredentialsError
from lotusx.plugin import Secret
from lotusx_gateway import Gateway, User, render_permissions
from lotusx_gateway.broker import Broker
from lotusx_gateway.login import Login
from lotusx_sim import BinanceSpot, Simulator, serve

nkeys = pytest.importorskip("nkeys")


@pytest.mark.anyio
async def test_a_seed_is_as_good_as_a_password(tmp_path: Path) -> None:
    seed = nkeys.encode_seed(bytes(range(32)), nkeys.PREFIX_BYTE_USER)
    user = User("keyed", nkey=nkeys.from_seed(seed).public_key.decode())
    nats = NatsServer(tmp_path, render_permissions([user, READER], [SUBJECTS]))
    nats.start()
    try:
        async with (
            serve(Simulator(BinanceSpot(seed=7, actions_per_s=0))) as server,
            upstream(server.base_url) as public,
            anyio.create_task_group() as tasks,
        ):
            await tasks.start(Gateway(public, server=nats.url, users=[user], password=password("gateway")).run)
            credentials = {"server": nats.url, "user": "keyed", "nkey_seed": seed.decode()}
            async with lotusx.connect("gateway:binance", environment="simulator", credentials=credentials) as exchange:
                assert (await exchange.instrument(BTC)).venue_symbol == "BTCUSDT"
            tasks.cancel_scope.cancel()
    finally:
        nats.kill()


def test_an_address_with_a_password_in_it_is_refused_and_not_shown() -> None:
    credentials = {"server": "nats://me:hunter2@b", "user": "x", "password": "y"}
    with pytest.raises(CredentialsError, match="give them apart from it") as caught:
        lotusx.connect("gateway:binance", credentials=credentials)
    assert "hunter2" not in str(caught.value)


def test_a_password_and_a_seed_are_one_too_many() -> None:
    credentials = {"server": "nats://b", "user": "x", "password": "y", "nkey_seed": "SU"}
    with pytest.raises(CredentialsError, match="not both"):
        lotusx.connect("gateway:binance", credentials=credentials)


@pytest.mark.anyio
async def test_a_seed_that_is_none_is_said_so_and_not_shown() -> None:
    broker = Broker(Login("nats://127.0.0.1:1", "keyed", nkey_seed=Secret("SUhunter2")))
    with pytest.raises(CredentialsError, match="not the seed of a user") as caught:
        await broker.open()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__
    await broker.aclose()


@pytest.mark.anyio
async def test_an_address_that_is_none_is_a_connection_that_failed() -> None:
    with pytest.raises(ConnectionFailed, match="invalid connect url"):
        await Broker(Login("nats://127.0.0.1:port", "x")).open()
