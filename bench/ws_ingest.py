"""CPU per trade frame, socket to handler: our WebSocket transport, picows by hand, aiohttp.

One server process sends the same Binance aggTrade frame, as fast as it can (``blast``) or one at a time (``paced``,
one message per wake-up). Each client is a fresh process; rounds are interleaved, medians and spreads are printed.

    python bench/ws_ingest.py [--rounds 5] [--frames 300000] [--paced 1500]

It installs nothing. picows, aiohttp and uvloop are measured where they are installed.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import importlib.util
import json
import platform
import re
import socket
import statistics
import subprocess
import sys
import time
from typing import Any

TRADE = (
    b'{"e":"aggTrade","E":1732153320123,"s":"BTCUSDT","a":3303030303,"p":"94321.15000000","q":"0.00153000",'
    b'"f":4242424242,"l":4242424243,"T":1732153320122,"m":true,"M":true}'
)
FRAME = b"\x81\x7e" + len(TRADE).to_bytes(2, "big") + TRADE
CLIENTS = {
    "picows": "picows",
    "ours": "lotusx",
    "ours on anyio": "lotusx",
    "wsproto alone": "wsproto",
    "aiohttp": "aiohttp",
}


def serve(frames: int, pace_s: float) -> None:
    """Answer each connection's upgrade and send it all frames, in one thread with blocking calls."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        block = FRAME * 512
        while True:
            peer, _ = listener.accept()
            with peer:
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += peer.recv(4096)
                key = re.split(rb"(?i)sec-websocket-key: *", head)[1].split()[0]
                accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                peer.sendall(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
                )
                time.sleep(0.3)
                try:
                    if pace_s:
                        for _ in range(frames):
                            peer.sendall(FRAME)
                            time.sleep(pace_s)
                    else:
                        for _ in range(frames // 512):
                            peer.sendall(block)
                    peer.recv(1)
                except OSError:
                    continue


class Meter:
    """Counts messages; CPU time runs from just before the first frame can come to the last."""

    def __init__(self, frames: int) -> None:
        self.left = frames
        self.done = asyncio.Event()
        self.started = time.process_time()
        self.cpu_s = 0.0

    def take(self, count: int) -> None:
        self.left -= count
        if self.left <= 0 and not self.done.is_set():
            self.cpu_s = time.process_time() - self.started
            self.done.set()


async def run_ours(port: int, frames: int, *, callbacks: bool = True) -> float:
    from lotusx.transport import wsproto_ws

    if not callbacks:
        vars(wsproto_ws)["on_asyncio"] = lambda: False

    class Handler:
        def on_messages(self, messages: list[bytes], received_ns: int) -> None:
            for message in messages:
                assert message
            meter.take(len(messages))

    connection = await wsproto_ws.WsprotoTransport().connect(f"ws://127.0.0.1:{port}/", Handler())
    meter = Meter(frames)
    task = asyncio.create_task(connection.run())
    await meter.done.wait()
    await connection.close()
    await task
    return meter.cpu_s


async def run_picows(port: int, frames: int) -> float:
    import picows  # type: ignore[import-not-found, unused-ignore]

    class Listener(picows.WSListener):  # type: ignore[misc, unused-ignore]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            assert frame.get_payload_as_bytes()
            meter.take(1)

    transport, _ = await picows.ws_connect(Listener, f"ws://127.0.0.1:{port}/")
    meter = Meter(frames)
    await meter.done.wait()
    transport.disconnect()
    return meter.cpu_s


async def run_aiohttp(port: int, frames: int) -> float:
    import aiohttp  # type: ignore[import-not-found, unused-ignore]

    async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://127.0.0.1:{port}/") as ws:
        meter = Meter(frames)
        async for message in ws:
            assert message.data
            meter.take(1)
            if meter.done.is_set():
                break
        ws._response.close()
    return meter.cpu_s


async def run_wsproto(port: int, frames: int) -> float:
    from wsproto import ConnectionType, WSConnection
    from wsproto.events import Request, TextMessage

    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ws = WSConnection(ConnectionType.CLIENT)
    writer.write(ws.send(Request(host="127.0.0.1", target="/")))
    ws.receive_data(await reader.readuntil(b"\r\n\r\n"))
    list(ws.events())
    meter = Meter(frames)
    parts = ""
    while not meter.done.is_set():
        ws.receive_data(await reader.read(65536))
        for event in ws.events():
            if isinstance(event, TextMessage):
                parts += event.data
                if event.message_finished:
                    meter.take(1)
                    parts = ""
    writer.close()
    return meter.cpu_s


def client(name: str, port: int, frames: int, uvloop: bool) -> None:
    run: Any = {
        "ours": run_ours,
        "ours on anyio": lambda port, frames: run_ours(port, frames, callbacks=False),
        "picows": run_picows,
        "aiohttp": run_aiohttp,
        "wsproto alone": run_wsproto,
    }[name]
    factory = None
    if uvloop:
        import uvloop as loops

        factory = loops.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        print(json.dumps(runner.run(run(port, frames))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=300_000)
    parser.add_argument("--paced", type=int, default=1500)
    parser.add_argument("--serve", nargs=2, type=float)
    parser.add_argument("--client", nargs=4)
    options = parser.parse_args()
    if options.serve:
        serve(int(options.serve[0]), options.serve[1])
        return
    if options.client:
        name, port, frames, loop = options.client
        client(name, int(port), int(frames), loop == "uvloop")
        return
    loops = ["asyncio"] + ["uvloop"] * (importlib.util.find_spec("uvloop") is not None)
    names = [name for name, module in CLIENTS.items() if importlib.util.find_spec(module) is not None]
    print(f"Python {platform.python_version()}, CPU µs per frame of {len(TRADE)} B: median (lowest-highest), × of ours")
    for mode, frames, pace_s in (("blast", options.frames // 512 * 512, 0.0), ("paced", options.paced, 0.001)):
        command = [sys.executable, __file__, "--serve", str(frames), str(pace_s)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            seen: dict[tuple[str, str], list[float]] = {}
            try:
                for _ in range(options.rounds):
                    for loop in loops:
                        for name in names:
                            command = [sys.executable, __file__, "--client", name, port, str(frames), loop]
                            out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
                            seen.setdefault((loop, name), []).append(json.loads(out.stdout) / frames * 1e6)
            finally:
                server.terminate()
        for (loop, name), values in seen.items():
            middle = statistics.median(values)
            ratio = middle / statistics.median(seen[loop, "ours"])
            print(f"{mode:6} {loop:8} {name:14} {middle:7.2f} ({min(values):.2f}-{max(values):.2f})  × {ratio:.2f}")


if __name__ == "__main__":
    main()
