"""Real sockets on both backends: HTTP, WebSocket, TLS, faults on the wire."""

import socket
import ssl
from collections.abc import Callable
from typing import Any

import anyio
import anyio.abc
import httpx
import pytest
from sim_calls import signed_query
from sim_ws_client import Client, Closed, Refused, ws_connect

from lotusx_sim import BinanceSpot, serve
from lotusx_sim.dialects.binance import DEFAULT_KEY
from lotusx_sim.shells.self_signed import self_signed_context

Run = Callable[[Callable[[], Any]], Any]
HEADERS = {"X-MBX-APIKEY": DEFAULT_KEY.key}


def venue(**more: Any) -> BinanceSpot:
    return BinanceSpot(symbols=["BTCUSDT"], **more)


def order_target(now_ns: int) -> str:
    query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=60000"
    return f"/api/v3/order?{signed_query(query, now_ns)}"


async def _code_at_end(client: Client) -> int:
    try:
        while True:
            await client.text()
    except Closed as closed:
        return closed.code


async def until(condition: Callable[[], object]) -> None:
    """Wait for what the server does."""
    with anyio.fail_after(30):
        while not condition():  # noqa: ASYNC110 - what is watched has no event to wait for
            await anyio.sleep(0.002)


async def _read_to_the_end(stream: anyio.abc.ByteStream) -> None:
    try:
        while True:
            await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return


def test_requests_share_a_connection(run: Run) -> None:
    async def main() -> None:
        async with serve(venue()) as server, httpx.AsyncClient(base_url=server.base_url) as client:
            for _ in range(3):
                response = await client.get("/api/v3/time")
                assert response.status_code == 200
            placed = await client.post(order_target(server.sim.now_ns()), headers=HEADERS)
            assert placed.json()["status"] == "NEW"
            assert placed.headers["content-type"] == "application/json;charset=UTF-8"
            head = await client.head("/api/v3/ping")
            assert head.content == b""

    run(main)


def test_streams_come_over_a_websocket(run: Run) -> None:
    async def main() -> None:
        async with serve(venue()) as server:
            async with ws_connect(f"{server.ws_url}/stream?streams=btcusdt@depth@100ms") as client:
                with anyio.fail_after(30):
                    assert (await client.next())["data"]["e"] == "depthUpdate"
                assert len(server.sim.ws_connections) == 1
            await until(lambda: not server.sim.ws_connections)

    run(main)


def test_messages_are_compressed_when_the_client_offers_it(run: Run) -> None:
    async def main() -> None:
        async with serve(venue()) as server:
            async with ws_connect(f"{server.ws_url}/ws", compression=True) as client:
                assert [extension.name for extension in client.extensions] == ["permessage-deflate"]
                reply = await client.ask({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
                assert reply == {"result": None, "id": 1}
            async with ws_connect(f"{server.ws_url}/ws") as client:
                assert client.extensions == []

    run(main)


def test_the_ws_api_is_on_the_same_port(run: Run) -> None:
    async def main() -> None:
        async with serve(venue()) as server, ws_connect(f"{server.ws_url}/ws-api/v3") as client:
            assert (await client.ask({"id": 7, "method": "time"}))["id"] == 7

    run(main)


def test_a_wrong_websocket_path_is_an_http_404(run: Run) -> None:
    async def main() -> None:
        async with serve(venue()) as server:
            with pytest.raises(Refused) as caught:
                async with ws_connect(f"{server.ws_url}/nowhere"):
                    raise AssertionError
            assert caught.value.status == 404

    run(main)


@pytest.mark.parametrize(("how", "code"), [(1012, 1012), ("fin", 1006), ("rst", 1006)])
def test_a_cut_connection_ends_at_the_client(run: Run, how: int | str, code: int) -> None:
    async def main() -> None:
        async with serve(venue()) as server, ws_connect(f"{server.ws_url}/ws/btcusdt@trade") as client:
            server.sim.cut_connections(how)
            with anyio.fail_after(30):
                assert await _code_at_end(client) == code

    run(main)


@pytest.mark.parametrize(
    ("how", "error"), [("cut", httpx.RemoteProtocolError), ("reset", httpx.ReadError), ("hang", httpx.ReadTimeout)]
)
def test_a_lost_reply_is_seen_as_such(run: Run, how: str, error: type[Exception]) -> None:
    async def main() -> None:
        async with serve(venue()) as server, httpx.AsyncClient(base_url=server.base_url, timeout=0.3) as client:
            server.sim.lose_reply_to("POST", "/api/v3/order", how=how)
            with pytest.raises(error):
                await client.post(order_target(server.sim.now_ns()), headers=HEADERS)
            assert len(server.sim.open_orders()) == 1

    run(main)


@pytest.mark.parametrize("keep_bytes", [None, 0, 3])
def test_a_truncated_reply_ends_short_of_its_length(run: Run, keep_bytes: int | None) -> None:
    async def main() -> None:
        async with serve(venue()) as server, httpx.AsyncClient(base_url=server.base_url) as client:
            server.sim.cut_json("POST", "/api/v3/order", how="http", keep_bytes=keep_bytes)
            with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
                await client.post(order_target(server.sim.now_ns()), headers=HEADERS)
            assert len(server.sim.open_orders()) == 1
            assert (await client.get("/api/v3/ping")).status_code == 200

    run(main)


def test_a_delayed_reply_is_late(run: Run) -> None:
    async def main() -> None:
        async with serve(venue()) as server, httpx.AsyncClient(base_url=server.base_url) as client:
            server.sim.delay("GET", "/api/v3/ping", 0.2)
            before = anyio.current_time()
            await client.get("/api/v3/ping")
            assert anyio.current_time() - before >= 0.2

    run(main)


def test_connections_can_be_refused(run: Run) -> None:
    async def main() -> None:
        async with serve(venue()) as server, httpx.AsyncClient(base_url=server.base_url) as client:
            server.sim.refuse_connections()
            with pytest.raises(httpx.TransportError):
                await client.get("/api/v3/ping")

    run(main)


def test_a_black_hole_lets_clients_wait(run: Run) -> None:
    async def main() -> None:
        async with serve(venue(actions_per_s=0)) as server:  # no trade that was sent before may be read after
            client = httpx.AsyncClient(base_url=server.base_url, timeout=0.2)
            async with client, ws_connect(f"{server.ws_url}/ws/btcusdt@trade") as socket_:
                server.sim.black_hole()
                with pytest.raises(httpx.ReadTimeout):
                    await client.get("/api/v3/ping")
                await socket_.send("{}")
                with anyio.move_on_after(0.2) as waited:
                    await socket_.text()
                assert waited.cancelled_caught
                with anyio.move_on_after(0.2) as waited:
                    async with ws_connect(f"{server.ws_url}/ws"):
                        raise AssertionError
                assert waited.cancelled_caught

    run(main)


def test_tls_is_served_with_a_certificate_made_on_the_spot(run: Run) -> None:
    async def main() -> None:
        context, pem = self_signed_context()
        trust = ssl.create_default_context(cadata=pem)
        async with serve(venue(), tls=context) as server:
            assert server.base_url.startswith("https://")
            assert server.ws_url.startswith("wss://")
            async with httpx.AsyncClient(base_url=server.base_url, verify=trust) as client:
                assert (await client.get("/api/v3/ping")).json() == {}

    run(main)


def test_faults_and_trades_can_be_scripted_from_another_process(run: Run) -> None:
    async def main() -> None:
        async with serve(venue()) as server, httpx.AsyncClient(base_url=server.base_url, headers=HEADERS) as client:
            fault = {"do": "refuse", "with": {"method": "GET", "path": "/api/v3/time", "status": 503}}
            assert (await client.post("/__sim__/faults", json=fault)).status_code == 200
            assert (await client.get("/api/v3/time")).status_code == 503
            await client.post("/__sim__/faults", json={"do": "heal"})
            assert (await client.get("/api/v3/time")).status_code == 200
            await client.post("/__sim__/actions", json={"do": "quiet"})
            await client.post(order_target(server.sim.now_ns()), headers=HEADERS)
            order_id = server.sim.open_order_ids()[0]
            done = await client.post("/__sim__/actions", json={"do": "fill", "with": {"client_order_id": order_id}})
            assert done.json()["done"] == "fill"
            trade = {"do": "trade", "with": {"symbol": "BTCUSDT", "side": "buy", "quantity": "0.001"}}
            assert (await client.post("/__sim__/actions", json=trade)).json()["result"] == "0.001"
            ledger = (await client.get("/__sim__/ledger")).json()
            assert ledger["orders"][0]["status"] == "FILLED"
            assert ["POST", "/api/v3/order", 1] in (await client.get("/__sim__/requests")).json()

    run(main)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"do":"handle"}', b'{"do":"silence"}', b'{"do":"gap","with":{"wrong":1}}']
)
def test_a_wrong_script_is_refused(run: Run, body: bytes) -> None:
    async def main() -> None:
        async with serve(venue()) as server, httpx.AsyncClient(base_url=server.base_url) as client:
            assert (await client.post("/__sim__/faults", content=body)).status_code == 400
            assert (await client.get("/__sim__/nothing")).status_code == 404

    run(main)


def test_scripting_can_be_switched_off(run: Run) -> None:
    async def main() -> None:
        async with serve(venue(), control=False) as server, httpx.AsyncClient(base_url=server.base_url) as client:
            assert (await client.get("/__sim__/ledger")).status_code == 404

    run(main)


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        b"POST /api/v3/order HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc",
    ],
)
def test_bytes_that_are_no_request_end_the_connection(run: Run, text: bytes) -> None:
    async def main() -> None:
        async with serve(venue()) as server:
            async with await anyio.connect_tcp(server.host, server.port) as stream:
                await stream.send(text)
                await stream.send_eof()
                with anyio.fail_after(30):
                    await _read_to_the_end(stream)
            async with httpx.AsyncClient(base_url=server.base_url) as client:
                assert (await client.get("/api/v3/ping")).status_code == 200

    run(main)


def test_binary_messages_are_refused(run: Run) -> None:
    from wsproto.events import BytesMessage

    async def main() -> None:
        async with serve(venue()) as server, ws_connect(f"{server.ws_url}/ws") as client:
            await client._stream.send(client._ws.send(BytesMessage(data=b"\x00")))
            with pytest.raises(Closed) as caught, anyio.fail_after(30):
                await client.text()
            assert caught.value.code == 1003

    run(main)


def test_a_wrong_frame_ends_the_websocket(run: Run) -> None:
    async def main() -> None:
        async with serve(venue()) as server, ws_connect(f"{server.ws_url}/ws") as client:
            await client._stream.send(b"\xff\xff\xff\xff")
            with pytest.raises(Closed), anyio.fail_after(30):
                await client.text()

    run(main)


def test_a_client_may_leave_with_or_without_goodbye(run: Run) -> None:
    from wsproto.events import CloseConnection, Ping

    async def main() -> None:
        async with serve(venue()) as server:
            async with ws_connect(f"{server.ws_url}/ws") as client:
                await client._stream.send(client._ws.send(Ping(payload=b"x")))
                await client._stream.send(client._ws.send(CloseConnection(code=1000)))
                with anyio.fail_after(30):
                    assert await _code_at_end(client) == 1000
            async with ws_connect(f"{server.ws_url}/ws"):
                pass
            await until(lambda: not server.sim.ws_connections)

    run(main)


def test_a_message_in_parts_is_one_request(run: Run) -> None:
    from wsproto.events import TextMessage

    async def main() -> None:
        async with serve(venue()) as server, ws_connect(f"{server.ws_url}/ws-api/v3") as client:
            await client._stream.send(client._ws.send(TextMessage(data='{"id": 1, ', message_finished=False)))
            await client._stream.send(client._ws.send(TextMessage(data='"method": "ping"}')))
            with anyio.fail_after(30):
                assert (await client.next())["status"] == 200

    run(main)


def test_a_handshake_into_a_black_hole_is_never_answered(run: Run) -> None:
    async def main() -> None:
        async with serve(venue()) as server:
            server.sim.black_hole()
            with anyio.move_on_after(0.3) as waited:
                async with ws_connect(f"{server.ws_url}/ws"):
                    raise AssertionError
            assert waited.cancelled_caught

    run(main)


def test_the_server_stops_with_clients_connected(run: Run) -> None:
    async def main() -> None:
        before = anyio.current_time()
        async with serve(venue()) as server:
            stream = await anyio.connect_tcp(server.host, server.port)
            async with ws_connect(f"{server.ws_url}/ws"), stream:
                pass
        assert anyio.current_time() - before < 10

    run(main)


def test_a_taken_port_is_an_error(run: Run) -> None:
    async def main() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            async with serve(venue(), port=taken.getsockname()[1]):
                raise AssertionError

    with pytest.raises(OSError, match="ddress"):
        run(main)


def test_the_servers_pings_are_answered(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lotusx_sim.shells.ws_socket._PING_EVERY_S", 0.05)

    async def main() -> None:
        async with (
            serve(venue(actions_per_s=0)) as server,
            ws_connect(f"{server.ws_url}/ws") as client,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(client.text)
            await until(lambda: client.pings >= 2)
            tasks.cancel_scope.cancel()

    run(main)


def test_a_client_that_never_pongs_is_sent_away(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lotusx_sim.shells.ws_socket._PING_EVERY_S", 0.05)
    monkeypatch.setattr("lotusx_sim.shells.ws_socket._PONG_WITHIN_S", 0.1)

    async def main() -> None:
        async with serve(venue(actions_per_s=0)) as server, ws_connect(f"{server.ws_url}/ws") as client:
            await anyio.sleep(0.4)
            with pytest.raises(Closed) as caught, anyio.fail_after(30):
                await client.text()
            assert caught.value.code == 1008

    run(main)
