"""One order from its first to its last moment: placed, changed, watched, cancelled, its fills counted.

Needs a key in `lotusx.toml` or the environment (docs: configuration). Refuses to run where orders cost money.
"""

from decimal import Decimal

import anyio

import lotusx
from lotusx.model import FillEvent
from lotusx.rules import Rounding, round_price

SYMBOL = "BTC/USDT"
QUANTITY = Decimal("0.01")
PATIENCE_S = 5


async def place(exchange: lotusx.Exchange, request: lotusx.OrderRequest) -> lotusx.Order:
    try:
        return await exchange.trading.place(request)
    except lotusx.InsufficientFunds as error:
        raise SystemExit(f"not enough money: {error}") from None
    except lotusx.OrderOutcomeUnknown as doubt:
        # It was sent, the exchange was asked, and nothing proves either outcome. Sending it again could buy twice.
        raise SystemExit(f"look at the exchange for order {doubt.client_order_id}: {doubt}") from None


async def main() -> None:
    async with lotusx.connect("binance") as exchange:
        if exchange.environment == "live":
            raise SystemExit("an example that trades: set environment = 'testnet' or 'simulator' in lotusx.toml")
        async with exchange.account.stream_account():  # the handle follows it; without it, it asks
            instrument = await exchange.market.instrument(SYMBOL)
            best = await exchange.market.best_bid_offer(SYMBOL)
            if best.bid_price is None:
                raise SystemExit(f"nobody bids for {SYMBOL}")

            low = round_price(instrument, best.bid_price * Decimal("0.99"), Rounding.FLOOR)
            order = await place(exchange, lotusx.OrderRequest.limit(SYMBOL, "buy", QUANTITY, low, post_only=True))
            print(f"placed    {order.client_order_id} {order.status} {QUANTITY} at {low}")

            if exchange.capabilities[lotusx.Capability.AMEND_ORDER]:
                higher = round_price(instrument, best.bid_price * Decimal("0.995"), Rounding.FLOOR)
                await exchange.trading.amend(SYMBOL, client_order_id=order.client_order_id, price=higher)
                print(f"amended   {order.status} at {order.state.price}")

            with anyio.move_on_after(PATIENCE_S):
                async for event in order.events():  # ends with the order
                    if isinstance(event, FillEvent):
                        print(f"fill      {event.fill.quantity} at {event.fill.price}, fee {event.fill.fee}")

            if not order.status.is_terminal:
                await exchange.trading.cancel(SYMBOL, client_order_id=order.client_order_id)
            final = await order.settled(timeout_s=30)  # it may have filled in the meantime
            fills = await order.fetch_fills()
            print(f"ended     {final.status}, {final.filled} of {QUANTITY} in {len(fills)} fills")


if __name__ == "__main__":
    anyio.run(main)
