"""Orders of one account without ``await``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.history import Moment
from lotusx.model.symbol import Symbol
from lotusx.sync.orders import Order
from lotusx.sync.runner import Runner

if TYPE_CHECKING:
    from lotusx import trading
    from lotusx.model.orders import Fill, OrderState, Outcome
    from lotusx.model.requests import AmendRequest, OrderRequest
    from lotusx.orders import Recovered


class Trading:
    """Twin of `lotusx.trading.Trading`: the same calls, which wait."""

    def __init__(self, twin: trading.Trading, runner: Runner) -> None:
        self._twin = twin
        self._runner = runner

    def ready(self) -> None:
        """Open, log in and import whatever the first order would otherwise wait for."""
        self._runner.call(self._twin.ready)

    def place(self, request: OrderRequest) -> Order:
        """Place an order; return its handle once the exchange has it.

        Raises:
            InvalidArgument: It breaks a rule of the instrument; nothing was sent.
            ExchangeError: The exchange said no, with its code; it does not have the order.
            OrderOutcomeUnknown: It was sent, and nothing proves what became of it. Do not send it again.
        """
        return Order(self._runner.call(self._twin.place, request), self._runner)

    def test(self, request: OrderRequest) -> None:
        """Have the exchange check an order without placing it."""
        self._runner.call(self._twin.test, request)

    def place_batch_orders(self, requests: Sequence[OrderRequest], *, emulate: bool = False) -> Sequence[Outcome]:
        """Place several; one outcome per input, in input order; never raises for an item.

        Args:
            emulate: Where the exchange has no batch, place one after the other.
        """
        return self._runner.call(self._twin.place_batch_orders, requests, emulate=emulate)

    def cancel(
        self, symbol: Symbol | str, *, client_order_id: str | None = None, venue_order_id: str | None = None
    ) -> OrderState:
        """Cancel one order; return it as it is known then: it may have filled meanwhile, or still be on its way out.

        Some exchanges only acknowledge that they took a cancel. The state is then the newest that is known before it,
        which may still be open: the account stream, `settled` of the order or `order` tells how it ended.
        """
        return self._runner.call(
            self._twin.cancel, symbol, client_order_id=client_order_id, venue_order_id=venue_order_id
        )

    def cancel_batch_orders(
        self, symbol: Symbol | str, client_order_ids: Sequence[str], *, emulate: bool = False
    ) -> Sequence[Outcome]:
        """Cancel several; one outcome per input, in input order; never raises for an item."""
        return self._runner.call(self._twin.cancel_batch_orders, symbol, client_order_ids, emulate=emulate)

    def cancel_all(self, symbol: Symbol | str | None = None) -> Sequence[OrderState]:
        """Cancel every open order of *symbol*, or of the account; return what became of each."""
        return self._runner.call(self._twin.cancel_all, symbol)

    def cancel_all_after(self, seconds: int, symbol: Symbol | str | None = None) -> None:
        """Have the exchange cancel everything unless this is called again within *seconds* (0: switch it off)."""
        self._runner.call(self._twin.cancel_all_after, seconds, symbol)

    def amend(
        self,
        symbol: Symbol | str,
        *,
        client_order_id: str | None = None,
        venue_order_id: str | None = None,
        quantity: Decimal | int | str | None = None,
        price: Decimal | int | str | None = None,
    ) -> Order:
        """Change quantity or price of a working order; its handle stays, its ids may be new."""
        return Order(
            self._runner.call(
                self._twin.amend,
                symbol,
                client_order_id=client_order_id,
                venue_order_id=venue_order_id,
                quantity=quantity,
                price=price,
            ),
            self._runner,
        )

    def amend_batch_orders(self, amendments: Sequence[AmendRequest], *, emulate: bool = False) -> Sequence[Outcome]:
        """Change several; one outcome per input, in input order; never raises for an item.

        Args:
            emulate: Where the exchange has no batch, change one after the other.
        """
        return self._runner.call(self._twin.amend_batch_orders, amendments, emulate=emulate)

    def order(
        self, symbol: Symbol | str, *, client_order_id: str | None = None, venue_order_id: str | None = None
    ) -> OrderState:
        """Look one order up at the exchange.

        Raises:
            OrderNotFound: It does not find it. Right after placing, that proves nothing.
        """
        return self._runner.call(
            self._twin.order, symbol, client_order_id=client_order_id, venue_order_id=venue_order_id
        )

    def open_orders(self, symbol: Symbol | str | None = None) -> Sequence[OrderState]:
        """Return working orders of *symbol*, or of the account."""
        return self._runner.call(self._twin.open_orders, symbol)

    def iter_orders(self, symbol: Symbol | str, *, start: Moment = None, end: Moment = None) -> Iterator[OrderState]:
        """Yield every order of [start, end), oldest first, each once."""
        return self._runner.iterate(self._twin.iter_orders(symbol, start=start, end=end))

    def iter_fills(
        self, symbol: Symbol | str | None = None, *, start: Moment = None, end: Moment = None
    ) -> Iterator[Fill]:
        """Yield every fill of [start, end), oldest first, each once; of *symbol*, or of all instruments.

        Raises:
            NotSupported: No symbol is named, and the exchange lists fills of one at a time.
        """
        return self._runner.iterate(self._twin.iter_fills(symbol, start=start, end=end))

    def recovered(self) -> Sequence[Recovered]:
        """Wait until it is known what became of the commands an earlier process left open; return them, oldest first.

        Needs a journal; without one there are none. Nothing of them is sent again: what the exchange never got is told
        as rejected, and it is the caller's to ask for it anew. While the exchange cannot be reached, this waits.
        """
        return self._runner.call(self._twin.recovered)
