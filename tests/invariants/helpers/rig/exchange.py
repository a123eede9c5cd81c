"""What the rig must know of an exchange to put it to the test. One file per exchange fills it in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, ClassVar

from lotusx_sim import Simulator
from lotusx_sim.engine.orders import Fill, Order
from lotusx_sim.venue import Venue
from lotusx_sim.wire import HttpRequest

Levels = Sequence[tuple[Decimal, Decimal]]
Pattern = tuple[str, str]
"""Method and path of requests, as `lotusx_sim.Simulator` matches them."""


@dataclass(frozen=True, slots=True)
class WireOrder:
    """A new order as its bytes arrived; ``None``: that number was not in it."""

    client_order_id: str
    price: str | None
    quantity: str | None


class BookTruth(ABC):
    """The exchange's own book, as it was at each number that it told anybody."""

    @abstractmethod
    def at(self, symbol: str, number: int) -> Sequence[tuple[Levels, Levels]]:
        """Return bids and asks, best first, of our *symbol* at *number*; empty: it never said that number.

        Where the number is a time, there may be several states of one.
        """


class UnderTest(ABC):
    """One exchange under test, made anew for each run.

    Attributes:
        name: As `lotusx.connect` knows it.
        symbol: The market with the book under test. ``book_depth``: how many levels of it are asked for.
        quiet_symbol: One whose trades only the blocking reader subscribes to.
        odd_symbols: Markets with uncomfortable price and quantity rules, for numbers.
        private_keys: Channels that carry the account, by key.
        canaries: Secrets that must show up nowhere.
        market_order: What a market order must say here besides.
        place, cancel, amend, reads: The requests that do that.
        amend_keeps_id: Whether an amendment makes a new order under the same client order id.
        shut_out_s: For how long nothing is sent after the page of a web application firewall.
        private_sockets: Pattern of the targets whose connections carry the account; ``*``: all do.
        announces_shutdown: Whether the venue says so before a server goes away.
        max_sockets: How many the venue lets one address have.
        stamp_refused: Texts by which the venue refuses a request for its stamp.
        has_ws_orders: Whether it takes orders over a WebSocket, as an option.
        user_topic, trades_topic: Of the account's messages and of the prints in ``symbol``, as the simulator has them.
    """

    name: ClassVar[str]
    symbol: ClassVar[str]
    quiet_symbol: ClassVar[str]
    book_depth: ClassVar[int] = 1_000
    market_order: ClassVar[Mapping[str, Any]] = {}
    odd_symbols: ClassVar[tuple[str, ...]]
    private_keys: ClassVar[frozenset[str]]
    canaries: ClassVar[tuple[str, ...]]
    credentials: ClassVar[Mapping[str, str]]
    place: ClassVar[tuple[Pattern, ...]]
    cancel: ClassVar[tuple[Pattern, ...]]
    amend: ClassVar[tuple[Pattern, ...]]
    reads: ClassVar[tuple[Pattern, ...]]
    amend_keeps_id: ClassVar[bool] = False
    shut_out_s: ClassVar[float] = 120.0
    private_sockets: ClassVar[str]
    announces_shutdown: ClassVar[bool] = False
    max_sockets: ClassVar[int] = 1_000
    stamp_refused: ClassVar[tuple[str, ...]] = ()
    has_ws_orders: ClassVar[bool] = True
    user_topic: ClassVar[str]
    trades_topic: ClassVar[str]

    @abstractmethod
    def __init__(self, seed: int, *, actions_per_s: int, markets: int = 0) -> None:
        """Make the venue of *seed*; 0 actions a second leave its market still.

        Args:
            markets: How many more than usual it lists, where its list can be chosen.
        """

    @property
    @abstractmethod
    def venue(self) -> Venue: ...

    @property
    @abstractmethod
    def truth(self) -> BookTruth: ...

    @abstractmethod
    def venue_symbol(self, symbol: str) -> str:
        """Return what the simulator calls our *symbol*, as its faults take it."""

    @abstractmethod
    def client_order_id(self, number: int, rng: Random) -> str | None:
        """Return an id for the next order; ``None``: let the core make it."""

    @abstractmethod
    def events_in(self, message: bytes) -> tuple[str, int] | None:
        """Return the channel a message belongs to and how many events it brings; ``None``: it is no channel's.

        One that cannot be understood counts as one event.
        """

    @abstractmethod
    def subscribed(self) -> Counter[str]:
        """Return what the venue serves now, over all its connections, by channel."""

    @abstractmethod
    def orders_in(self, request: HttpRequest) -> list[WireOrder]:
        """Return the new orders that *request* asks for."""

    def refuse_private_subscription(self, sim: Simulator, times: int) -> None:  # noqa: B027 - not all can
        """Let the venue say no to the next *times* attempts to subscribe to the account, where it ever does."""

    def wire_client_id(self, client_order_id: str) -> str:
        """Return how the venue has a client order id of ours."""
        return client_order_id

    def nonces_in(self, body: bytes) -> list[int]:
        """Return the nonce that a body or a message of a client was signed with, where there are nonces."""
        del body
        return []

    def is_order_news(self, text: str) -> bool:
        """Return whether a message of the account speaks of orders or fills, and of nothing that is replaced whole."""
        del text
        return True

    def listed_as(self, symbol: str) -> str:
        """Return the exchange's own name of what the simulator's ledger calls *symbol*."""
        return symbol

    def order_id(self, order: Order) -> str:
        """Return how the venue names *order* on the wire."""
        return str(order.id)

    def trade_id(self, fill: Fill) -> str:
        """Return how the venue names *fill* on the wire."""
        return str(fill.trade_id)

    def orders_in_message(self, text: str) -> list[WireOrder]:
        """Return the new orders that a message of a client asks for."""
        del text
        return []

    def saw_message(self, text: str, topic: str) -> None:  # noqa: B027 - most exchanges need not look
        """Take note of what the venue sends, before any fault; for truths that come from messages."""

    def balances_in(self, sim: Simulator) -> Mapping[str, tuple[Decimal, Decimal]]:
        """Return free and locked amounts by asset, as far as the ledger has them in the form in which they are told."""
        del sim
        return {}

    def positions_in(self, sim: Simulator) -> Mapping[str, Decimal]:
        """Return signed quantities by our symbol, where there are positions."""
        del sim
        return {}
