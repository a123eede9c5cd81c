"""The table: each row's work, who does it, and the goal of the speed issue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One kind of work.

    Attributes:
        work: The function of each client's module; "" for `module` and `commands`.
        count: Items that are sent to a client.
        goals: By peer: what our cost may be, as a multiple of the peer's.
        module: What is run with the name of each client and the count, without a server.
        commands: By library: Python code whose whole run is measured, above a bare interpreter.
    """

    name: str
    number: str
    work: str = ""
    clients: tuple[str, ...] = ()
    count: int = 0
    tls: bool = False
    unit: str = "µs"
    goals: Mapping[str, float] = field(default_factory=dict)
    module: str = ""
    commands: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


_CONNECT = """
import anyio, lotusx
async def main():
    async with lotusx.connect("binance", environment="simulator", base_url="http://127.0.0.1:9"):
        pass
anyio.run(main)
"""

ROWS = (
    Row(
        "trades, socket → `async for`",
        "1",
        "trades",
        ("lotusx", "cryptofeed", "ccxt"),
        count=100_000,
        tls=True,
        goals={"cryptofeed": 1 / 4, "ccxt": 1 / 15},
        note="cryptofeed gets aggTrade (170 B instead of 150 B) and runs on uvloop, as it chooses itself",
    ),
    Row(
        "depth of 42 levels → live book, best prices read in each state that reaches the user",
        "2",
        "book",
        ("lotusx", "cryptofeed", "ccxt"),
        count=2_000,
        tls=True,
        goals={"cryptofeed": 1 / 3, "ccxt": 1 / 3},
        note="cryptofeed's callback reads after each update; the readers of ours and of ccxt.pro see the newest state "
        "of a batch, which flatters both by what reading costs; the goal names cryptofeed 3, here it is 2.4",
    ),
    Row(
        "signed limit order by REST, typed reply",
        "5",
        "orders",
        ("lotusx", "python-binance", "ccxt"),
        count=500,
        goals={"python-binance": 1, "ccxt": 1 / 2},
    ),
    Row(
        "signed order action of Hyperliquid",
        "6",
        clients=("lotusx", "hyperliquid-python-sdk"),
        count=500,
        goals={"hyperliquid-python-sdk": 1 / 20},
        module="bench.hyperliquid_signing",
        note="the peer as pip installs it, without coincurve; ours with the body that is sent, the peer's without",
    ),
    Row(
        "import of the package",
        "10",
        unit="ms",
        goals={"ccxt": 1 / 10},
        commands={"lotusx": "import lotusx", "ccxt": "import ccxt", "ccxt.pro": "import ccxt.pro"},
    ),
    Row(
        "ready for public data",
        "10",
        unit="ms",
        goals={"ccxt.pro": 1 / 3},
        commands={"lotusx": _CONNECT, "ccxt.pro": "import ccxt.pro"},
        note="ours: import, `connect` and entering it on asyncio; ccxt.pro: its import alone",
    ),
)
