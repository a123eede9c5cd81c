"""The connection to the broker is encrypted, and both sides prove who they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from gateway_kit import BTC, READER, SUBJECTS, NatsServer, password, until, upstream

import lotusx
from lotusx.errors import ConfigurationError, ConnectionFailed, CredentialsError
from lotusx.plugin import Secret
from lotusx_gateway import Gateway, Tls, render_permissions
from lotusx_gateway.broker import Broker
from lotusx_gateway.login import Login
from lotusx_gateway.settings import read_settings
from lotusx_sim import BinanceSpot, Simulator, serve

trustme = pytest.importorskip("trustme")
pytestmark = pytest.mark.anyio


class Keys:
    """An authority, a broker's certificate and a user's, as files in *folder*."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca, self.other = str(folder / "ca.pem"), str(folder / "other.pem")
        self.server, self.user = str(folder / "server.pem"), str(folder / "user.pem")
        authority.cert_pem.write_to_path(self.ca)
        trustme.CA().cert_pem.write_to_path(self.other)
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(self.server)
        authority.issue_cert("reader@example").private_key_and_cert_chain_pem.write_to_path(self.user)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


def broker_of(keys: Keys, folder: Path, *, verify: bool, users: str | None = None) -> NatsServer:
    files = (
        f'cert_file: "{keys.server}", key_file: "{keys.server}", ca_file: "{keys.ca}", verify: {str(verify).lower()}'
    )
    rendered = render_permissions([READER], [SUBJECTS]) if users is None else users
    return NatsServer(folder, f"{rendered}tls {{ {files} }}\n")


@pytest.fixture
def encrypted(keys: Keys, tmp_path: Path) -> Iterator[NatsServer]:
    server = broker_of(keys, tmp_path, verify=False)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def mutual(keys: Keys, tmp_path: Path) -> Iterator[NatsServer]:
    """A broker that wants a certificate of everybody, besides a password."""
    server = broker_of(keys, tmp_path, verify=True)
    server.start()
    yield server
    server.kill()


def reader(nats: NatsServer, tls: Tls | None) -> Login:
    return Login(nats.url.replace("nats:", "tls:"), "reader", Secret(password("reader")), tls=tls)


async def test_a_gateway_and_its_consumers_use_a_broker_that_wants_certificates(mutual: NatsServer, keys: Keys) -> None:
    tls = Tls(keys.ca, keys.user)
    async with (
        serve(Simulator(BinanceSpot(seed=7, actions_per_s=0))) as server,
        upstream(server.base_url) as public,
        anyio.create_task_group() as tasks,
    ):
        gateway = Gateway(public, server=mutual.url, users=[READER], password=password("gateway"), tls=tls)
        await tasks.start(gateway.run)
        credentials = {
            "server": mutual.url, "user": "reader", "password": password("reader"),
            "tls_ca": keys.ca, "tls_cert": keys.user,
        }  # fmt: skip
        async with lotusx.connect("gateway:binance", environment="simulator", credentials=credentials) as exchange:
            assert (await exchange.instrument(BTC)).venue_symbol == "BTCUSDT"
        tasks.cancel_scope.cancel()


async def test_a_gateway_refuses_an_encrypted_broker_that_lets_anybody_in(keys: Keys, tmp_path: Path) -> None:
    nats = broker_of(keys, tmp_path, verify=False, users="")
    nats.start()
    try:
        public = upstream("http://127.0.0.1:1")
        with pytest.raises(ConfigurationError, match="lets anybody in without credentials"):
            await Gateway(public, server=nats.url, users=[READER], tls=Tls(keys.ca)).run()
    finally:
        nats.kill()


async def test_a_broker_of_another_authority_is_told_nothing(encrypted: NatsServer, keys: Keys) -> None:
    for tls in (None, Tls(keys.other)):
        with pytest.raises(ConnectionFailed, match=r"does not prove who it is: .*; see tls_ca") as caught:
            await Broker(reader(encrypted, tls)).open()
        assert not caught.value.sent


async def test_without_a_certificate_a_broker_that_wants_one_cannot_be_reached(mutual: NatsServer, keys: Keys) -> None:
    with pytest.raises(ConnectionFailed, match="no broker can be reached"):
        await Broker(reader(mutual, Tls(keys.ca))).open()


@asynccontextmanager
async def without_tls() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Somebody in the broker's place who offers no TLS, and writes down what is said to it."""
    heard: list[bytes] = []

    async def answer(stream: SocketStream) -> None:
        async with stream:
            await stream.send(b'INFO {"version":"2.10.0","max_payload":1048576,"auth_required":true}\r\n')
            try:
                heard.append(await stream.receive())
            except anyio.EndOfStream:
                heard.append(b"")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        yield f"127.0.0.1:{listener.extra(SocketAttribute.local_port)}", heard
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("scheme", ["tls", "nats"])
async def test_a_password_is_never_told_to_a_broker_without_tls(scheme: str, keys: Keys) -> None:
    async with without_tls() as (where, heard):
        login = Login(
            f"{scheme}://{where}", "reader", Secret("hunter2"), tls=Tls(keys.ca) if scheme == "nats" else None
        )
        with pytest.raises(ConnectionFailed, match="offers no TLS, and was told nothing"):
            await Broker(login).open()
        await until(lambda: bool(heard))
        assert heard == [b""]


async def test_a_broker_that_hangs_up_has_let_nobody_in() -> None:
    async with without_tls() as (where, heard):
        with pytest.raises(ConnectionFailed, match="closed the connection before it had let us in"):
            await Broker(Login(f"nats://{where}", "reader", Secret("of-reader"))).open()
        assert b'"user": "reader"' in heard[0]


def test_files_that_are_none_are_said_by_name(keys: Keys, tmp_path: Path) -> None:
    nothing = str(tmp_path / "nothing.pem")
    for tls, what in (
        (Tls(nothing), f"tls_ca {nothing}: No such file"),
        (Tls(keys.ca, nothing), f"tls_cert {nothing}: No such file"),
        (Tls(keys.ca, keys.ca), f"tls_cert {keys.ca}: "),
    ):
        with pytest.raises(CredentialsError, match=what):
            Login("tls://b", "x", tls=tls).arguments()
    with pytest.raises(CredentialsError, match="tls_cert is not"):
        Tls(keys.ca, None, keys.user)


def test_a_document_names_the_files(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("exchange = 'a'\nserver = 'tls://b'\ntls_ca = 'ca.pem'\n")
    assert read_settings(file).tls == Tls("ca.pem")
