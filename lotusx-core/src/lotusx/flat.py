"""The calls of all components, as calls of the exchange itself: what type checkers and editors see of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from lotusx.account import Account
    from lotusx.market import MarketData
    from lotusx.trading import Trading

P = ParamSpec("P")
R = TypeVar("R")


class Flat(Generic[P, R]):
    """A call of a component, on the exchange."""

    def __init__(self, call: Callable[Concatenate[Any, P], R]) -> None:
        self._call = call

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: type) -> Callable[P, R]: ...


class FlatCalls:
    """Each name of `COMPONENTS`. At run time they are found by the exchange's ``__getattr__``."""

    if TYPE_CHECKING:
        server_time = Flat(MarketData.server_time)
        instruments = Flat(MarketData.instruments)
        instrument = Flat(MarketData.instrument)
        ticker = Flat(MarketData.ticker)
        tickers = Flat(MarketData.tickers)
        best_bid_offer = Flat(MarketData.best_bid_offer)
        order_book = Flat(MarketData.order_book)
        recent_trades = Flat(MarketData.recent_trades)
        candles = Flat(MarketData.candles)
        mark_price = Flat(MarketData.mark_price)
        funding_rate = Flat(MarketData.funding_rate)
        open_interest = Flat(MarketData.open_interest)
        iter_candles = Flat(MarketData.iter_candles)
        iter_trades = Flat(MarketData.iter_trades)
        iter_funding_rates = Flat(MarketData.iter_funding_rates)
        stream_trades = Flat(MarketData.stream_trades)
        stream_ticker = Flat(MarketData.stream_ticker)
        stream_best_bid_offer = Flat(MarketData.stream_best_bid_offer)
        stream_order_book = Flat(MarketData.stream_order_book)
        stream_candles = Flat(MarketData.stream_candles)
        stream_mark_price = Flat(MarketData.stream_mark_price)
        stream_liquidations = Flat(MarketData.stream_liquidations)
        live_order_book = Flat(MarketData.live_order_book)
        ready = Flat(Trading.ready)
        place = Flat(Trading.place)
        test = Flat(Trading.test)
        place_batch_orders = Flat(Trading.place_batch_orders)
        amend = Flat(Trading.amend)
        amend_batch_orders = Flat(Trading.amend_batch_orders)
        cancel = Flat(Trading.cancel)
        cancel_batch_orders = Flat(Trading.cancel_batch_orders)
        cancel_all = Flat(Trading.cancel_all)
        cancel_all_after = Flat(Trading.cancel_all_after)
        order = Flat(Trading.order)
        open_orders = Flat(Trading.open_orders)
        recovered = Flat(Trading.recovered)
        iter_orders = Flat(Trading.iter_orders)
        iter_fills = Flat(Trading.iter_fills)
        balances = Flat(Account.balances)
        positions = Flat(Account.positions)
        fees = Flat(Account.fees)
        permissions = Flat(Account.permissions)
        leverage = Flat(Account.leverage)
        set_leverage = Flat(Account.set_leverage)
        set_margin_mode = Flat(Account.set_margin_mode)
        change_margin = Flat(Account.change_margin)
        deposits = Flat(Account.deposits)
        withdrawals = Flat(Account.withdrawals)
        transfer = Flat(Account.transfer)
        iter_funding_payments = Flat(Account.iter_funding_payments)
        stream_account = Flat(Account.stream_account)
