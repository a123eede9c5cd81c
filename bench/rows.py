"""The table: each row's work, who does it, and the goal of the speed issue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Client:
    """One of those that do a row's work.

    Attributes:
        name: In the table.
        library: Whose environment runs it.
        work: The function of its client module; or, for `Row.module` and `Row.commands`, what that wants.
        loop: asyncio, uvloop or trio, where the client can choose.
        option: A further word for the client.
        spec: What the server does otherwise for it.
    """

    name: str
    library: str
    work: str
    loop: str = "asyncio"
    option: str = "-"
    spec: Mapping[str, Any] = field(default_factory=dict)
    count: int = 0


@dataclass(frozen=True)
class Row:
    """One kind of work.

    Attributes:
        pairs: Ours, whose, and what the quotient may be (``None``: no goal is stated).
        count: Items that are sent to a client.
        spec: What the server does.
        figure: Which of the figures that clients report; ``cpu``: CPU time per item.
        module: Run with the name of each client's work and the count, without a server.
        commands: The clients' works are Python code; the CPU time of the whole run above a bare interpreter's counts.
        same_run: Another figure of the row before, which is not run again.
    """

    number: str
    name: str
    clients: tuple[Client, ...]
    pairs: tuple[tuple[str, str, float | None], ...]
    count: int = 1
    unit: str = "µs"
    exchange: str = "binance"
    tls: bool = False
    spec: Mapping[str, Any] = field(default_factory=dict)
    figure: str = "cpu"
    module: str = ""
    commands: bool = False
    note: str = ""
    same_run: bool = False

    @property
    def key(self) -> str:
        """Its name in the results."""
        return f"{self.number} {self.name}"


_CONNECT = """
import anyio, lotusx
async def main():
    async with lotusx.connect("binance", environment="simulator", base_url="http://127.0.0.1:9"):
        pass
anyio.run(main)
"""

_STREAMED = "cryptofeed gets aggTrade (170 B instead of 150 B) and runs on uvloop, as it chooses itself"
_BATCHES = (
    "our handler and the callbacks of cryptofeed, nautilus_trader, pybit, the SDK and picows read after each update; "
    "`changes()` and the reader of ccxt.pro see the newest state of a batch, and ours computes no others"
)

ROWS = (
    Row(
        "1",
        "trades, socket → `async for`",
        (
            Client("lotusx", "lotusx", "trades"),
            Client("lotusx, uvloop", "lotusx", "trades", "uvloop"),
            Client("lotusx, trio", "lotusx", "trades", "trio"),
            Client("cryptofeed", "cryptofeed", "trades"),
            Client("ccxt.pro", "ccxt", "trades"),
            Client("picows + msgspec", "picows", "trades"),
            Client("picows + msgspec, uvloop", "picows", "trades", "uvloop"),
        ),
        (
            ("lotusx", "cryptofeed", 1 / 4),
            ("lotusx", "ccxt.pro", 1 / 15),
            ("lotusx", "picows + msgspec", 1.5),
            ("lotusx, uvloop", "picows + msgspec, uvloop", 1.5),
            ("lotusx, trio", "cryptofeed", None),
        ),
        count=100_000,
        tls=True,
        note=_STREAMED,
    ),
    Row(
        "1",
        "the same without TLS: nautilus_trader trusts the authorities that it was built with, and no other",
        (Client("lotusx", "lotusx", "trades"), Client("nautilus_trader", "nautilus", "trades")),
        (("lotusx", "nautilus_trader", 1 / 6),),
        count=100_000,
    ),
    Row(
        "2",
        "depth of 42 levels → live book, best prices read in each state that reaches the user",
        (
            Client("lotusx", "lotusx", "book"),
            Client("lotusx, handler", "lotusx", "book_handler"),
            Client("cryptofeed", "cryptofeed", "book"),
            Client("ccxt.pro", "ccxt", "book"),
            Client("picows + msgspec, floats", "picows", "book"),
        ),
        (
            ("lotusx", "ccxt.pro", 1 / 3),
            ("lotusx, handler", "ccxt.pro", 1 / 3),
            ("lotusx, handler", "cryptofeed", 1 / 3),
            ("lotusx, handler", "picows + msgspec, floats", 1.3),
        ),
        count=3_000,
        tls=True,
        note=_BATCHES,
    ),
    Row(
        "2",
        "the same without TLS",
        (Client("lotusx, handler", "lotusx", "book_handler"), Client("nautilus_trader", "nautilus", "book")),
        (("lotusx, handler", "nautilus_trader", 1 / 3),),
        count=3_000,
    ),
    Row(
        "2",
        "the same on Python 3.13, where cryptofeed 3 runs",
        (Client("lotusx", "lotusx-3.13", "book"), Client("cryptofeed 3", "cryptofeed-3", "book")),
        (("lotusx", "cryptofeed 3", 1 / 3),),
        count=3_000,
        tls=True,
    ),
    Row(
        "3",
        "Bybit trades",
        (
            Client("lotusx", "lotusx", "trades"),
            Client("ccxt.pro", "ccxt", "trades"),
            Client("pybit", "pybit", "trades"),
        ),
        (("lotusx", "ccxt.pro", 1 / 5), ("lotusx", "pybit", 1 / 5)),
        count=50_000,
        exchange="bybit",
        tls=True,
    ),
    Row(
        "3",
        "Bybit trades on Python 3.13, where cryptofeed 3 runs (2.4 speaks an interface that Bybit has switched off)",
        (Client("lotusx", "lotusx-3.13", "trades"), Client("cryptofeed 3", "cryptofeed-3", "trades")),
        (("lotusx", "cryptofeed 3", 1 / 5),),
        count=50_000,
        exchange="bybit",
        tls=True,
    ),
    Row(
        "3",
        "Bybit books of 200 levels, 42 change",
        (
            Client("lotusx", "lotusx", "book"),
            Client("lotusx, handler", "lotusx", "book_handler"),
            Client("ccxt.pro", "ccxt", "book"),
            Client("pybit", "pybit", "book"),
        ),
        (
            ("lotusx", "ccxt.pro", 1 / 3),
            ("lotusx, handler", "ccxt.pro", 1 / 3),
            ("lotusx, handler", "pybit", 1 / 3),
        ),
        count=3_000,
        exchange="bybit",
        tls=True,
        note=_BATCHES,
    ),
    Row(
        "3",
        "Bybit books on Python 3.13, where cryptofeed 3 runs",
        (Client("lotusx", "lotusx-3.13", "book"), Client("cryptofeed 3", "cryptofeed-3", "book")),
        (("lotusx", "cryptofeed 3", 1 / 3),),
        count=3_000,
        exchange="bybit",
        tls=True,
    ),
    Row(
        "4",
        "Hyperliquid trades",
        (
            Client("lotusx", "lotusx", "trades"),
            Client("official SDK", "hyperliquid-sdk", "trades"),
            Client("ccxt.pro", "ccxt", "trades"),
        ),
        (("lotusx", "official SDK", 1 / 15), ("lotusx", "ccxt.pro", 1 / 8)),
        count=30_000,
        exchange="hyperliquid",
        tls=True,
    ),
    Row(
        "4",
        "Hyperliquid `l2Book`, 20 levels a side",
        (
            Client("lotusx", "lotusx", "book"),
            Client("lotusx, handler", "lotusx", "book_handler"),
            Client("official SDK", "hyperliquid-sdk", "book"),
            Client("ccxt.pro", "ccxt", "book"),
        ),
        (
            ("lotusx", "ccxt.pro", 1 / 8),
            ("lotusx, handler", "ccxt.pro", 1 / 8),
            ("lotusx, handler", "official SDK", 1 / 15),
        ),
        count=3_000,
        exchange="hyperliquid",
        tls=True,
        note=_BATCHES,
    ),
    Row(
        "5",
        "signed limit order by REST, typed reply",
        (
            Client("lotusx", "lotusx", "orders"),
            Client("python-binance", "python-binance", "orders"),
            Client("ccxt", "ccxt", "orders"),
        ),
        (("lotusx", "python-binance", 1), ("lotusx", "ccxt", 1 / 2)),
        count=2_000,
    ),
    Row(
        "6",
        "signed limit order over the WebSocket API, typed reply",
        (
            Client("lotusx", "lotusx", "ws_orders"),
            Client("python-binance, REST", "python-binance", "orders"),
            Client("python-binance, WebSocket", "python-binance", "ws_orders"),
        ),
        (("lotusx", "python-binance, REST", 1 / 3), ("lotusx", "python-binance, WebSocket", None)),
        count=2_000,
    ),
    Row(
        "7",
        "Hyperliquid signed order, whole call",
        (
            Client("lotusx", "lotusx", "orders"),
            Client("official SDK", "hyperliquid-sdk", "orders"),
            Client("ccxt", "ccxt", "orders"),
        ),
        (("lotusx", "official SDK", 1 / 20), ("lotusx", "ccxt", 1 / 20)),
        count=100,
        exchange="hyperliquid",
        note="the SDK as pip installs it, without coincurve",
    ),
    Row(
        "7",
        "the signature alone",
        (
            Client("lotusx", "lotusx", "lotusx"),
            Client("official SDK", "hyperliquid-sdk", "hyperliquid-python-sdk"),
        ),
        (("lotusx", "official SDK", 1 / 20),),
        count=500,
        module="bench.hyperliquid_signing",
        note="ours with the body that is sent, the SDK's without",
    ),
    Row(
        "8",
        "`exchangeInfo` → instruments, fetching included",
        (Client("lotusx", "lotusx", "markets"), Client("ccxt", "ccxt", "markets")),
        (("lotusx", "ccxt", 1 / 4),),
        count=5,
        unit="ms",
        spec={"document": "exchangeInfo"},
        note="the recorded document of 1.8 MB where `LOTUSX_CORPUS` has it, one of the same size otherwise; each time "
        "a new connection, in the same process",
    ),
    Row(
        "9a",
        "trades, one message per wake-up, 2 000/s",
        (
            Client("lotusx handler", "lotusx", "handler"),
            Client("lotusx iterator", "lotusx", "trades"),
            Client("lotusx handler, uvloop", "lotusx", "handler", "uvloop"),
            Client("lotusx iterator, uvloop", "lotusx", "trades", "uvloop"),
            Client("cryptofeed, uvloop", "cryptofeed", "trades"),
            Client("ccxt.pro", "ccxt", "trades"),
            Client("ccxt.pro, uvloop", "ccxt", "trades", "uvloop"),
            Client("picows + msgspec, uvloop", "picows", "trades", "uvloop"),
            Client("unicorn", "unicorn", "trades"),
        ),
        (
            ("lotusx handler, uvloop", "cryptofeed, uvloop", 1 / 2),
            ("lotusx iterator, uvloop", "cryptofeed, uvloop", 0.9),
            ("lotusx handler, uvloop", "ccxt.pro, uvloop", 1 / 4),
            ("lotusx iterator, uvloop", "ccxt.pro, uvloop", 1 / 2),
            ("lotusx handler", "ccxt.pro", 1 / 4),
            ("lotusx iterator", "ccxt.pro", 1 / 2),
            ("lotusx handler, uvloop", "picows + msgspec, uvloop", 1.1),
            ("lotusx handler", "unicorn", 1),
        ),
        count=6_000,
        tls=True,
        spec={"pace": 2_000},
        note="system calls and the loop's turns included; " + _STREAMED,
    ),
    Row(
        "9b",
        "tick to trade by REST: message sent → order received, median, 1 000 messages/s, an order for each twentieth",
        (
            Client("lotusx", "lotusx", "ticks"),
            Client("lotusx, WebSocket API", "lotusx", "ws_ticks"),
            Client("ccxt.pro", "ccxt", "ticks"),
            Client("python-binance", "python-binance", "ticks"),
        ),
        (
            ("lotusx", "ccxt.pro", 1 / 5),
            ("lotusx", "python-binance", 1 / 2),
            ("lotusx, WebSocket API", "python-binance", 1 / 2),
        ),
        count=6_000,
        spec={"pace": 1_000},
        figure="p50",
        note="wall-clock time at the server, the way through the system both times included",
    ),
    Row(
        "9b",
        "the same, 99 of 100",
        (
            Client("lotusx", "lotusx", "ticks"),
            Client("lotusx, WebSocket API", "lotusx", "ws_ticks"),
            Client("ccxt.pro", "ccxt", "ticks"),
            Client("python-binance", "python-binance", "ticks"),
        ),
        (
            ("lotusx", "ccxt.pro", 1 / 5),
            ("lotusx", "python-binance", 1 / 2),
            ("lotusx, WebSocket API", "python-binance", 1 / 2),
        ),
        count=6_000,
        spec={"pace": 1_000},
        figure="p99",
        same_run=True,
    ),
    Row(
        "9c",
        "books, one message per wake-up, 500/s",
        (
            Client("lotusx", "lotusx", "book"),
            Client("lotusx, handler", "lotusx", "book_handler"),
            Client("lotusx, uvloop", "lotusx", "book", "uvloop"),
            Client("lotusx, handler, uvloop", "lotusx", "book_handler", "uvloop"),
            Client("cryptofeed, uvloop", "cryptofeed", "book"),
            Client("ccxt.pro", "ccxt", "book"),
            Client("ccxt.pro, uvloop", "ccxt", "book", "uvloop"),
        ),
        (
            ("lotusx, uvloop", "cryptofeed, uvloop", 1 / 2),
            ("lotusx, handler, uvloop", "cryptofeed, uvloop", 1 / 2),
            ("lotusx, uvloop", "ccxt.pro, uvloop", 1 / 2),
            ("lotusx, handler, uvloop", "ccxt.pro, uvloop", 1 / 2),
            ("lotusx", "ccxt.pro", 1 / 2),
            ("lotusx, handler", "ccxt.pro", 1 / 2),
        ),
        count=2_000,
        tls=True,
        spec={"pace": 500},
    ),
    Row(
        "10",
        "import of the package",
        (
            Client("lotusx", "lotusx", "import lotusx"),
            Client("ccxt", "ccxt", "import ccxt"),
            Client("ccxt.pro", "ccxt", "import ccxt.pro"),
        ),
        (("lotusx", "ccxt", 1 / 10), ("lotusx", "ccxt.pro", None)),
        unit="ms",
        commands=True,
    ),
    Row(
        "10",
        "ready for public data",
        (Client("lotusx", "lotusx", _CONNECT), Client("ccxt.pro", "ccxt", "import ccxt.pro")),
        (("lotusx", "ccxt.pro", 1 / 3),),
        unit="ms",
        commands=True,
        note="ours: import, `connect` and entering it on asyncio; ccxt.pro: its import alone",
    ),
    Row(
        "11",
        "installed size of core and one HMAC exchange, all dependencies, with byte code",
        (Client("lotusx", "lotusx", "lotusx-binance"), Client("pybit", "pybit", "pybit")),
        (("lotusx", "pybit", 1),),
        unit="MB",
        figure="mb",
        module="bench.sizes",
    ),
    Row(
        "12",
        "memory of the process: imported, connected, instruments loaded",
        (Client("lotusx", "lotusx", "connected"), Client("ccxt.pro", "ccxt", "connected")),
        (("lotusx", "ccxt.pro", 1 / 2),),
        unit="MB",
        figure="mb",
        spec={"document": "exchangeInfo"},
    ),
    Row(
        "12",
        "memory of an idle TLS stream, one of 100",
        (Client("lotusx", "lotusx", "idle"), Client("aiohttp", "aiohttp", "idle")),
        (("lotusx", "aiohttp", 1),),
        count=100,
        unit="kB",
        figure="kb",
        tls=True,
    ),
    Row(
        "12",
        "memory of a book of 1 000 levels a side, one of 100",
        (Client("lotusx", "lotusx", "lotusx"), Client("ccxt", "ccxt", "ccxt")),
        (("lotusx", "ccxt", None),),
        count=100,
        unit="kB",
        figure="kb",
        module="bench.book_memory",
    ),
    Row(
        "13",
        "trades of 500 streams on one connection set, against one stream; direct handlers",
        (
            Client("500 streams", "lotusx", "many_trades", option="500", spec={"symbols": 500, "trades": 200}),
            Client("1 stream", "lotusx", "many_trades", option="1", spec={"trades": 100_000}),
        ),
        (("500 streams", "1 stream", 1.2),),
        count=100_000,
        tls=True,
    ),
    Row(
        "13",
        "updates of 200 live books, against one book",
        (
            Client(
                "200 books", "lotusx", "many_books", option="200", spec={"symbols": 200, "updates": 50, "waits": True}
            ),
            Client("1 book", "lotusx", "many_books", option="1", spec={"updates": 10_000, "waits": True}),
        ),
        (("200 books", "1 book", 1.2),),
        count=10_000,
        tls=True,
    ),
    Row(
        "13",
        "trades at 10 000/s, against 500/s; direct handler",
        (
            Client("10 000/s", "lotusx", "handler", spec={"pace": 10_000, "trades": 20_000}, count=20_000),
            Client("500/s", "lotusx", "handler", spec={"pace": 500, "trades": 2_000}, count=2_000),
        ),
        (("10 000/s", "500/s", 1.2),),
        tls=True,
    ),
    Row(
        "14",
        "trades as in row 1, with a counting observer that is also told measurements each second, against without",
        (Client("observed", "lotusx", "observed"), Client("not observed", "lotusx", "trades")),
        (("observed", "not observed", 1.1),),
        count=100_000,
        tls=True,
    ),
)
