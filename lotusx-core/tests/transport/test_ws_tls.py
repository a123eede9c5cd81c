"""TLS over memory against Python's own server side, without sockets."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Any

import pytest

from lotusx.transport.ws_tls import ClientTls

trustme = pytest.importorskip("trustme")

VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])


@pytest.fixture(scope="module")
def authority() -> Any:
    return trustme.CA()


class Server:
    """The other side."""

    def __init__(self, authority: Any, version: ssl.TLSVersion) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        context.maximum_version = version
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.shaken = False
        self.heard = bytearray()

    def hear(self, data: bytes) -> None:
        self.incoming.write(data)
        with suppress(ssl.SSLWantReadError):
            if not self.shaken:
                self.tls.do_handshake()
                self.shaken = True
            while piece := self.tls.read(65_536):
                self.heard += piece

    def say(self, *texts: bytes) -> bytes:
        for text in texts:
            self.tls.write(text)
        return self.outgoing.read()


def client(authority: Any, host: str = "localhost") -> ClientTls:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return ClientTls(context, host)


def shake(tls: ClientTls, server: Server) -> None:
    tls.start()
    while not (tls.shaken and server.shaken):
        server.hear(tls.owed())
        assert tls.feed(memoryview(server.outgoing.read())) == b""
    server.hear(tls.owed())


@VERSIONS
@pytest.mark.parametrize("size", [1, 7, 1_000, 1 << 20], ids=lambda size: f"reads of {size}")
def test_any_split_of_what_the_server_sends_says_the_same(authority: Any, version: ssl.TLSVersion, size: int) -> None:
    server, tls = Server(authority, version), client(authority)
    shake(tls, server)
    said = [b"first", b"x" * 20_000, b"", b"last"]
    wire = server.say(*said)

    heard = b"".join(tls.feed(memoryview(wire[at : at + size])) for at in range(0, len(wire), size))

    assert heard == b"".join(said)
    assert not tls.ended


@VERSIONS
def test_what_is_written_before_the_handshake_waits_and_arrives_whole(authority: Any, version: ssl.TLSVersion) -> None:
    server, tls = Server(authority, version), client(authority)
    tls.write(b"early " * 10_000)
    assert tls.unwritten == 60_000

    shake(tls, server)
    tls.write(b"late")
    server.hear(tls.owed())

    assert server.heard == b"early " * 10_000 + b"late"
    assert tls.unwritten == 0


def test_what_comes_with_the_end_of_the_handshake_is_heard(authority: Any) -> None:
    server, tls = Server(authority, ssl.TLSVersion.TLSv1_2), client(authority)  # here the server shakes hands last
    tls.start()
    while not server.shaken:
        tls.feed(memoryview(server.outgoing.read()))
        server.hear(tls.owed())
    assert not tls.shaken

    assert tls.feed(memoryview(server.say(b"at once"))) == b"at once"


@VERSIONS
def test_end_of_the_peer_is_told_after_what_it_said_and_later_bytes_are_ignored(
    authority: Any, version: ssl.TLSVersion
) -> None:
    server, tls = Server(authority, version), client(authority)
    shake(tls, server)
    wire = server.say(b"bye")
    with suppress(ssl.SSLWantReadError):
        server.tls.unwrap()

    assert tls.feed(memoryview(wire + server.outgoing.read())) == b"bye"
    assert tls.ended
    assert tls.feed(memoryview(b"anything")) == b""


def test_our_end_is_told_to_the_peer(authority: Any) -> None:
    server, tls = Server(authority, ssl.TLSVersion.TLSv1_3), client(authority)
    shake(tls, server)

    tls.end()
    server.incoming.write(tls.owed())

    assert server.tls.read(10) == b""  # a clean end; without one it would want more


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1"])
def test_certificate_of_another_host_is_refused_and_the_peer_told(authority: Any, host: str) -> None:
    server, tls = Server(authority, ssl.TLSVersion.TLSv1_3), client(authority, host)
    tls.start()
    server.hear(tls.owed())
    tls.write(b"a secret")

    with pytest.raises(ssl.SSLCertVerificationError):
        tls.feed(memoryview(server.outgoing.read()))

    assert not tls.shaken
    assert tls.unwritten == len(b"a secret")  # it has not left
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
        server.hear(tls.owed())


def test_record_that_was_changed_on_its_way_is_an_error(authority: Any) -> None:
    server, tls = Server(authority, ssl.TLSVersion.TLSv1_3), client(authority)
    shake(tls, server)
    wire = bytearray(server.say(b"pay 1"))
    wire[-1] ^= 1

    with pytest.raises(ssl.SSLError):
        tls.feed(memoryview(wire))
    assert tls.owed()  # the alert


def test_text_that_is_no_host_is_a_value_error(authority: Any) -> None:
    with pytest.raises(ValueError, match=r"server_hostname|label"):
        client(authority, ".example")
