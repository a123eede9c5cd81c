"""A risk check of your own: every order of a connection passes it, whoever in your program sends it.

Needs a key in `lotusx.toml` or the environment (docs: configuration). Refuses to run where orders cost money.
"""

from decimal import Decimal

import anyio

import lotusx
from lotusx.errors import RefusedBeforeSending
from lotusx.plugin import hookimpl


class TooLarge(RefusedBeforeSending):
    """An order is worth more than this desk may send at once."""


class OrderValueCheck:
    """Veto orders that are worth more than a limit; nothing of them is sent.

    A hook sees the order after all other checks. It must be quick, and it raises to veto: the error reaches the caller.
    """

    def __init__(self, most: Decimal) -> None:
        self.most = most

    @hookimpl
    def lotusx_before_order(self, request: lotusx.OrderRequest, instrument: lotusx.Instrument) -> None:
        if request.price is None:
            raise TooLarge(f"{request.symbol}: an order without a price has no known value; send a limit order")
        value = request.quantity * request.price * instrument.contract_size
        if value > self.most:
            raise TooLarge(f"{request.symbol}: {value.normalize():f} {instrument.quote}, at most {self.most}")


async def main() -> None:
    async with lotusx.connect("binance", plugins=[OrderValueCheck(Decimal(1000))]) as exchange:
        if exchange.environment == "live":
            raise SystemExit("an example that trades: set environment = 'testnet' or 'simulator' in lotusx.toml")
        best = await exchange.market.best_bid_offer("BTC/USDT")
        if best.bid_price is None:
            raise SystemExit("nobody bids for BTC/USDT")
        for quantity in ("1", "0.01"):
            try:
                order = await exchange.trading.place(
                    lotusx.OrderRequest.limit("BTC/USDT", "buy", quantity, best.bid_price, post_only=True)
                )
            except TooLarge as error:
                print(f"refused: {error}")
            else:
                print(f"placed: {order.status} {quantity} at {order.state.price}")
                await exchange.trading.cancel("BTC/USDT", client_order_id=order.client_order_id)


if __name__ == "__main__":
    anyio.run(main)
