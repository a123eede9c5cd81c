"""A whole exchange plugin that needs no network: its ports answer from memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from lotusx.errors import ErrorKind, LotusXError, OrderNotFound, exchange_error
from lotusx.kernel.codec import Ack, Channel, ChannelKind, WsFacts
from lotusx.kernel.context import Kernel
from lotusx.kernel.facts import Capability, CredentialField, Environment, ExchangeFacts, Support
from lotusx.kernel.ports import AccountPort, MarketDataPort, OrderRef, Page, Span, TradingPort
from lotusx.kernel.request import Request, Response, SigningContext
from lotusx.model import (
    Balance,
    Candle,
    Deposit,
    Fees,
    Fill,
    FundingPayment,
    FundingRate,
    FundsStatus,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    Interval,
    Leverage,
    MarginMode,
    MarkPrice,
    OpenInterest,
    OrderBook,
    OrderRequest,
    OrderState,
    OrderStatus,
    Permissions,
    Side,
    Symbol,
    Ticker,
    TickSize,
    Trade,
    Transfer,
    Withdrawal,
)
from lotusx.plugin import hookimpl

BTC = Symbol("BTC", "USDT")
ALL = dict.fromkeys(Capability, Support.full())
MISSING = (
    Capability.BATCH_ORDERS,
    Capability.BATCH_AMEND,
    Capability.BATCH_CANCEL,
    Capability.POSITIONS,
    Capability.CANCEL_ALL_AFTER,
)
FACTS = ExchangeFacts(
    name="acme",
    contract=1,
    environments={
        "live": Environment("live", {"api": "https://acme.test"}, {"market": "wss://acme.test/ws"}, real_money=True),
        "simulator": Environment("simulator", {"api": "{base}"}, {"market": "{ws}/ws"}),
    },
    capabilities={**ALL, **dict.fromkeys(MISSING, Support.not_offered())},
    credentials=(CredentialField("api_key", secret=False), CredentialField("api_secret")),
    ws={"market": WsFacts()},
    horizon_s=1.0,
    options={"order_entry": ("rest", "ws"), "comment": ()},
)


class Market(MarketDataPort):
    """Answers from memory and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.listed = [
            Instrument(
                BTC, "BTCUSDT", InstrumentKind.SPOT, InstrumentStatus.TRADING, TickSize(Decimal("0.01")), Decimal("0.1")
            )
        ]

    async def server_time_ns(self) -> int:
        return 1_770_000_000_000_000_000

    async def instruments(self) -> Sequence[Instrument]:
        self.asked.append(("instruments",))
        return self.listed

    async def ticker(self, instrument: Instrument) -> Ticker:
        return Ticker(instrument.symbol, Decimal(100))

    async def tickers(self, instruments: Sequence[Instrument] | None) -> Sequence[Ticker]:
        return [Ticker(item.symbol, Decimal(100)) for item in (instruments or self.listed)]

    async def best_bid_offer(self, instrument: Instrument) -> Any:
        return ("bbo", instrument.symbol)

    async def order_book(self, instrument: Instrument, depth: int) -> OrderBook:
        self.asked.append(("order_book", depth))
        return OrderBook(instrument.symbol, (), (), sequence=1, complete=True)

    async def recent_trades(self, instrument: Instrument, limit: int) -> Sequence[Trade]:
        self.asked.append(("recent_trades", limit))
        return [Trade(instrument.symbol, "1", Side.BUY, "1", "1", 5)]

    async def candles_page(
        self, instrument: Instrument, interval: Interval, span: Any, cursor: str | None, limit: int
    ) -> Page[Candle]:
        self.asked.append(("candles", interval, span, cursor, limit))
        start = int(cursor or 0)
        one = Decimal(1)
        items = [Candle(BTC, interval, n, n + 1, one, one, one, one, one) for n in (start, start + 1)]
        return Page(items, str(start + 1) if start < 3 else None)

    async def trades_page(self, instrument: Instrument, span: Any, cursor: str | None, limit: int) -> Page[Trade]:
        return Page([Trade(BTC, "7", Side.SELL, "1", "1", 5)], None)

    async def mark_price(self, instrument: Instrument) -> MarkPrice:
        return MarkPrice(instrument.symbol, Decimal(7))

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        return FundingRate(instrument.symbol, Decimal("0.0001"), 3_600)

    async def funding_rates_page(
        self, instrument: Instrument, span: Any, cursor: str | None, limit: int
    ) -> Page[FundingRate]:
        start = int(cursor or 0)
        items = [FundingRate(instrument.symbol, Decimal(n), n) for n in (start, start + 1)]
        return Page(items, str(start + 1) if start < 3 else None)

    async def open_interest(self, instrument: Instrument) -> OpenInterest:
        return OpenInterest(instrument.symbol, Decimal(12))

    def channel(self, instrument: Instrument, *_: Any) -> Channel[Any]:
        return Channel("market", f"trades:{instrument.venue_symbol}", ChannelKind.TRADES, lambda message, ns: [message])

    trades_channel = ticker_channel = best_bid_offer_channel = channel
    candles_channel = order_book_channel = mark_price_channel = channel  # type: ignore[assignment]


class Trading(TradingPort):
    """A book of orders in a dictionary."""

    def __init__(self) -> None:
        self.orders: dict[str, OrderState] = {}
        self.calls: list[str] = []

    async def ready(self) -> None:
        self.calls.append("ready")

    async def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        self.calls.append("place")
        name = str(request.client_order_id)
        state = OrderState(
            request.symbol,
            f"v-{name}",
            name,
            request.side,
            request.type,
            OrderStatus.OPEN,
            request.quantity,
            Decimal(0),
            price=request.price,
            updated_ns=1,
        )
        self.orders[name] = state
        return state

    async def test(self, request: OrderRequest, instrument: Instrument) -> None:
        self.calls.append("test")

    async def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        for name, state in self.orders.items():
            if ref.client_order_id == name or ref.venue_order_id == state.venue_order_id:
                return state
        error = exchange_error(ErrorKind.ORDER_NOT_FOUND, "acme", "-1", "no such order")
        assert isinstance(error, OrderNotFound)
        raise error

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        state = await self.order(ref, instrument)
        ended = OrderState(
            state.symbol,
            state.venue_order_id,
            state.client_order_id,
            state.side,
            state.type,
            OrderStatus.CANCELED,
            state.quantity,
            state.filled,
            price=state.price,
            updated_ns=2,
        )
        self.orders[str(state.client_order_id)] = ended
        return ended

    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]:
        return [await self.cancel(OrderRef(name), self_instrument()) for name in list(self.orders)]

    async def amend(self, order: OrderState, change: Any, instrument: Instrument) -> OrderState:
        return OrderState(
            order.symbol,
            order.venue_order_id,
            order.client_order_id,
            order.side,
            order.type,
            OrderStatus.OPEN,
            change.quantity or order.quantity,
            order.filled,
            price=change.price or order.price,
            updated_ns=3,
        )

    async def open_orders(self, instrument: Instrument | None) -> Sequence[OrderState]:
        return [state for state in self.orders.values() if not state.status.is_terminal]

    async def orders_page(self, instrument: Instrument, span: Any, cursor: str | None, limit: int) -> Page[OrderState]:
        return Page(list(self.orders.values()), None)

    async def fills_page(self, instrument: Instrument, span: Any, cursor: str | None, limit: int) -> Page[Fill]:
        return Page([Fill(BTC, "t1", "v1", Side.BUY, Decimal(1), Decimal(1), 5)], None)

    async def fills_of(self, state: OrderState, instrument: Instrument) -> Sequence[Fill]:
        return []


class Account(AccountPort):
    """Holdings that never change, and settings that are only noted."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.fails: LotusXError | None = None
        self.payments = [FundingPayment(BTC, Decimal(-1), "USDT", 5)]

    async def leverage(self, instrument: Instrument) -> Leverage:
        return Leverage(instrument.symbol, Decimal(3), MarginMode.CROSS)

    async def set_leverage(self, instrument: Instrument, leverage: Decimal) -> None:
        self.calls.append(("leverage", leverage))

    async def set_margin_mode(self, instrument: Instrument, mode: MarginMode) -> None:
        self.calls.append(("mode", mode))

    async def change_margin(self, instrument: Instrument, amount: Decimal) -> None:
        self.calls.append(("margin", amount))

    async def transfer(self, asset: str, amount: Decimal, source: str, target: str, transfer_id: str) -> Transfer:
        self.calls.append(("transfer", asset, amount, source, target))
        if self.fails is not None:
            raise self.fails
        return Transfer(transfer_id, asset, amount, source, target, FundsStatus.COMPLETED)

    def transfer_look_up(self, source: str, target: str, transfer_id: str) -> str:
        return f"native.call('GET', '/transfers/{transfer_id}')"

    async def deposits(self, asset: str | None, span: Span) -> Sequence[Deposit]:
        self.calls.append(("deposits", asset, span.start_ns, span.end_ns))
        moments = [("b", 20), ("a", 10), ("b", 20), ("late", 100)]
        return [Deposit(name, "BTC", Decimal(1), FundsStatus.PENDING, "0", at) for name, at in moments]

    async def withdrawals(self, asset: str | None, span: Span) -> Sequence[Withdrawal]:
        self.calls.append(("withdrawals", asset, span.start_ns, span.end_ns))
        return [Withdrawal(name, "BTC", Decimal(1), FundsStatus.FAILED, "x", at) for name, at in (("2", 9), ("1", 8))]

    async def funding_payments_page(
        self, instrument: Instrument | None, span: Any, cursor: str | None, limit: int
    ) -> Page[FundingPayment]:
        return Page(self.payments, None)

    async def balances(self) -> Sequence[Balance]:
        return [Balance("BTC", Decimal(1), Decimal(0), Decimal(1))]

    async def fees(self, instrument: Instrument) -> Fees:
        return Fees(instrument.symbol, Decimal("0.001"), Decimal("0.001"))

    async def permissions(self) -> Permissions:
        return Permissions(read=True, trade=True, withdraw=False)

    def channels(self) -> Sequence[Channel[Any]]:
        return ()


def self_instrument() -> Instrument:
    """Return the one instrument there is."""
    return Market().listed[0]


class Codec:
    """A dialect in which a message is its own key."""

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return [f"subscribe {request_id} {' '.join(keys)}"]

    unsubscribe = subscribe

    def log_in(self, request_id: int, context: SigningContext) -> str | None:
        return None

    def heartbeat(self, request_id: int) -> str | None:
        return None

    def answer(self, message: bytes) -> str | None:
        return None

    def route(self, message: bytes) -> str | Ack:
        return message.decode()


class Dialect:
    """Everything is a success."""

    def error(self, request: Request, response: Response) -> None:
        return None

    def usage(self, request: Request, response: Response) -> tuple[()]:
        return ()


def install(site: Path, facts: ExchangeFacts = FACTS, *, signs: bool = True) -> SimpleNamespace:
    """Lay the plugin out as pip would, and return its parts for a test to look at."""
    parts = SimpleNamespace(market=Market(), trading=Trading(), account=Account(), native="native", kernels=[])
    module = ModuleType("acme_plugin_of_tests")

    @hookimpl
    def lotusx_exchanges() -> list[ExchangeFacts]:
        return [facts]

    @hookimpl
    def lotusx_signer(exchange: str, credentials: Mapping[str, Any]) -> Any:
        return SimpleNamespace(sign_request=lambda request, context: request) if signs else None

    @hookimpl
    def lotusx_rest_dialect(exchange: str) -> Any:
        return Dialect()

    @hookimpl
    def lotusx_codecs(exchange: str, signer: Any, credentials: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"market": Codec()}

    @hookimpl
    def lotusx_connector(exchange: str, kernel: Kernel) -> Any:
        parts.kernels.append(kernel)
        return parts

    for hook in (lotusx_exchanges, lotusx_signer, lotusx_rest_dialect, lotusx_codecs, lotusx_connector):
        setattr(module, hook.__name__, hook)
    sys.modules[module.__name__] = module
    info = site / "acme_lotus-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-lotus\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[lotusx.exchanges]\nacme = {module.__name__}\n", encoding="utf-8")
    return parts
