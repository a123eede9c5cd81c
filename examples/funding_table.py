"""Compare the funding rates of perpetuals at several exchanges, per year, so that different intervals compare.

python funding_table.py BTC ETH SOL

Public data: no key is needed. A rate above zero is paid by longs to shorts.
"""

import sys
from datetime import UTC, datetime
from decimal import Decimal

import anyio

import lotusx
from lotusx.model import FundingRate

QUOTES = {"binance-perp": "USDT:USDT", "bybit-perp": "USDT:USDT", "hyperliquid": "USDC:USDC", "backpack": "USDC:USDC"}
COINS = ["BTC", "ETH", "SOL"]
YEAR_S = 365 * 24 * 3600

Table = dict[tuple[str, str], FundingRate | str]


async def ask(name: str, coins: list[str], table: Table) -> None:
    """Fill one column. An exchange that cannot be asked says why in its cells; the others go on."""
    try:
        async with lotusx.connect(name) as exchange:
            for coin in coins:
                try:
                    table[coin, name] = await exchange.market.funding_rate(f"{coin}/{QUOTES[name]}")
                except lotusx.UnknownSymbol:
                    table[coin, name] = "-"
    except lotusx.LotusXError as error:
        print(f"{name}: {error}", file=sys.stderr)
        table.update({(coin, name): "?" for coin in coins if (coin, name) not in table})


def cell(found: FundingRate | str) -> str:
    if isinstance(found, str):
        return found
    if found.interval_s is None:
        return f"{found.rate * 100:+.4f} %"
    yearly = found.rate * Decimal(YEAR_S) / found.interval_s
    return f"{yearly * 100:+.2f} % /y ({found.interval_s // 3600} h)"


async def main(coins: list[str]) -> None:
    table: Table = {}
    async with anyio.create_task_group() as tasks:
        for name in QUOTES:
            tasks.start_soon(ask, name, coins, table)
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    print(f"{'':<6}" + "".join(f"{name:>22}" for name in QUOTES))
    for coin in coins:
        print(f"{coin:<6}" + "".join(f"{cell(table[coin, name]):>22}" for name in QUOTES))


if __name__ == "__main__":
    anyio.run(main, sys.argv[1:] or COINS)
