"""What a plugin still lacks, and whether what it declares is written: pure, so it works before anything is served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lotusx.kernel.facts import Capability as C, ExchangeFacts, Support, SupportLevel
from lotusx.kernel.ports import AccountPort, MarketDataPort, TradingPort
from lotusx.plugin.manager import PluginManager
from lotusx_testing.conformance import Conformance
from lotusx_testing.fakes import FakeKernel

PORTS: Mapping[str, type] = {"market": MarketDataPort, "trading": TradingPort, "account": AccountPort}

OWN: Mapping[C, tuple[str, str]] = {
    C.SERVER_TIME: ("market", "server_time_ns"),
    C.INSTRUMENTS: ("market", "instruments"),
    C.TICKER: ("market", "ticker"),
    C.BEST_BID_OFFER: ("market", "best_bid_offer"),
    C.ORDER_BOOK: ("market", "order_book"),
    C.RECENT_TRADES: ("market", "recent_trades"),
    C.TRADE_HISTORY: ("market", "trades_page"),
    C.CANDLES: ("market", "candles_page"),
    C.STREAM_TRADES: ("market", "trades_channel"),
    C.STREAM_TICKER: ("market", "ticker_channel"),
    C.STREAM_BEST_BID_OFFER: ("market", "best_bid_offer_channel"),
    C.STREAM_ORDER_BOOK: ("market", "order_book_channel"),
    C.STREAM_CANDLES: ("market", "candles_channel"),
    C.LIVE_ORDER_BOOK: ("market", "book_channel"),
    C.FUNDING_RATE: ("market", "funding_rate"),
    C.FUNDING_HISTORY: ("market", "funding_rates_page"),
    C.MARK_PRICE: ("market", "mark_price"),
    C.OPEN_INTEREST: ("market", "open_interest"),
    C.STREAM_MARK_PRICE: ("market", "mark_price_channel"),
    C.STREAM_LIQUIDATIONS: ("market", "liquidations_channel"),
    C.PLACE_ORDER: ("trading", "place"),
    C.TEST_ORDER: ("trading", "test"),
    C.BATCH_ORDERS: ("trading", "place_batch"),
    C.BATCH_CANCEL: ("trading", "cancel_batch"),
    C.BATCH_AMEND: ("trading", "amend_batch"),
    C.AMEND_ORDER: ("trading", "amend"),
    C.CANCEL_ORDER: ("trading", "cancel"),
    C.CANCEL_ALL: ("trading", "cancel_all"),
    C.CANCEL_ALL_AFTER: ("trading", "cancel_all_after"),
    C.QUERY_ORDER: ("trading", "order"),
    C.OPEN_ORDERS: ("trading", "open_orders"),
    C.ORDER_HISTORY: ("trading", "orders_page"),
    C.FILLS: ("trading", "fills_page"),
    C.BALANCES: ("account", "balances"),
    C.POSITIONS: ("account", "positions"),
    C.FEES: ("account", "fees"),
    C.PERMISSIONS: ("account", "permissions"),
    C.LEVERAGE: ("account", "set_leverage"),
    C.MARGIN_MODE: ("account", "set_margin_mode"),
    C.ISOLATED_MARGIN: ("account", "change_margin"),
    C.FUNDING_PAYMENTS: ("account", "funding_payments_page"),
    C.DEPOSITS: ("account", "deposits"),
    C.WITHDRAWALS: ("account", "withdrawals"),
    C.TRANSFER: ("account", "transfer"),
    C.STREAM_ACCOUNT: ("account", "channels"),
}
"""Capabilities that are one method of a port. The others are fine print of `TradingPort.place`, or `native`'s."""

WITH_ORDERS = frozenset(
    {
        C.CONDITIONAL_ORDERS, C.TRAILING_ORDERS, C.QUOTE_QUANTITY, C.MAX_SLIPPAGE, C.POST_ONLY, C.REDUCE_ONLY, C.GTD,
        C.WEBSOCKET_ORDERS,
    }
)  # fmt: skip
"""What an order may ask for: nothing where none can be placed."""


def place_of(capability: C) -> str:
    """Say where *capability* is to be written."""
    if capability in OWN:
        return ".".join(("connector", *OWN[capability]))
    return "connector.trading.place" if capability in WITH_ORDERS else "no port has it: connector.native"


def is_written(connector: Any, port: str, method: str) -> bool:
    """Tell whether *connector* has a method of its own where the port's default says `NotSupported`."""
    return getattr(type(getattr(connector, port)), method) is not getattr(PORTS[port], method)


def contradiction(capability: C, facts: ExchangeFacts, connector: Any) -> str:
    """Return how the facts contradict the ports; empty: they agree."""
    support = facts.capabilities.get(capability, Support.not_written())
    port, method = OWN.get(capability, ("trading", "place"))
    written = is_written(connector, port, method)
    if support and not written and (capability in OWN or capability in WITH_ORDERS):
        return f"{capability} is declared as {support.level.value}, but connector.{port}.{method} is not written"
    if written and support.level is SupportLevel.NOT_WRITTEN and capability in OWN:
        return f"connector.{port}.{method} is written, but the facts say that {capability} is not: declare it"
    return ""


class Progress(Conformance):
    """`Conformance` of a plugin that is being written: what is missing is an expected failure with its reason.

    Evidence that is given is checked as ever. Derive from `Conformance` when nothing is missing any more.
    """

    def test_evidence_is_given(self) -> None:
        """Expected to fail while a kind of evidence is missing."""
        try:
            super().test_evidence_is_given()
        except AssertionError as missing:
            pytest.xfail(str(missing).splitlines()[0])

    @pytest.mark.parametrize("capability", list(C), ids=str)
    def test_capability_is_written_as_declared(self, capability: C) -> None:
        """Expected to fail where the facts say that it is not written."""
        facts = self.subject.facts
        kernel = FakeKernel(facts, credentials=self.subject.credentials).build()
        connector = PluginManager(facts.name).connector(kernel)
        wrong = contradiction(capability, facts, connector)
        assert not wrong, wrong
        support = facts.capabilities.get(capability, Support.not_written())
        if support.level is SupportLevel.NOT_WRITTEN:
            pytest.xfail(f"{capability} is not written ({place_of(capability)})")
