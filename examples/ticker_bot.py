"""Print the price of BTC/USDT every five seconds. Public data: no key is needed.

pip install lotusx-core lotusx-binance, then: python ticker_bot.py
"""

from contextlib import suppress

import anyio

import lotusx

SYMBOL = "BTC/USDT"
EVERY_S = 5


async def main() -> None:
    async with lotusx.connect("binance") as exchange:
        while True:
            try:
                ticker = await exchange.market.ticker(SYMBOL)
                print(f"{SYMBOL} {ticker.last_price}", flush=True)
            except lotusx.LotusXError as error:
                if not error.retryable:
                    raise
                print(f"no price: {error}", flush=True)
            await anyio.sleep(EVERY_S)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # Ctrl-C
        anyio.run(main)
