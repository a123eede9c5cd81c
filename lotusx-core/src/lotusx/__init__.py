"""LotusX: one typed, exact and fast way to reach crypto exchanges.

>>> import lotusx
>>> lotusx.Symbol.parse("BTC/USDT").quote
'USDT'

Names are resolved when first used: importing the package loads nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx.lazy import lazily

if TYPE_CHECKING:
    from lotusx.book import LiveOrderBook as LiveOrderBook
    from lotusx.connection import connect as connect
    from lotusx.errors import (
        ConfigurationError as ConfigurationError,
        CredentialsError as CredentialsError,
        ExchangeError as ExchangeError,
        InsufficientFunds as InsufficientFunds,
        InvalidArgument as InvalidArgument,
        LotusXError as LotusXError,
        NotSupported as NotSupported,
        OrderNotFound as OrderNotFound,
        OrderOutcomeUnknown as OrderOutcomeUnknown,
        RateLimited as RateLimited,
        StaleBook as StaleBook,
        StreamError as StreamError,
        TransportError as TransportError,
        UnknownExchange as UnknownExchange,
        UnknownSymbol as UnknownSymbol,
    )
    from lotusx.exchange import Exchange as Exchange
    from lotusx.kernel.budget import BudgetRegistry as BudgetRegistry
    from lotusx.kernel.facts import Capability as Capability, Support as Support
    from lotusx.many import connect_many as connect_many
    from lotusx.model import (
        Accepted as Accepted,
        Fill as Fill,
        Instrument as Instrument,
        Interval as Interval,
        OrderRequest as OrderRequest,
        OrderState as OrderState,
        OrderStatus as OrderStatus,
        OrderType as OrderType,
        Rejected as Rejected,
        Side as Side,
        Symbol as Symbol,
        TimeInForce as TimeInForce,
        Trade as Trade,
        Unknown as Unknown,
    )
    from lotusx.orders import Order as Order
    from lotusx.plugin.registry import installed_exchanges as installed_exchanges
    from lotusx.streams import Overflow as Overflow, Stream as Stream

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "lotusx.book": "LiveOrderBook",
        "lotusx.connection": "connect",
        "lotusx.errors": "ConfigurationError CredentialsError ExchangeError InsufficientFunds InvalidArgument "
        "LotusXError NotSupported OrderNotFound OrderOutcomeUnknown RateLimited StaleBook StreamError TransportError "
        "UnknownExchange UnknownSymbol",
        "lotusx.exchange": "Exchange",
        "lotusx.kernel.budget": "BudgetRegistry",
        "lotusx.kernel.facts": "Capability Support",
        "lotusx.many.connecting": "connect_many",
        "lotusx.model": "Accepted Fill Instrument Interval OrderRequest OrderState OrderStatus OrderType Rejected "
        "Side Symbol TimeInForce Trade Unknown",
        "lotusx.orders": "Order",
        "lotusx.plugin.registry": "installed_exchanges",
        "lotusx.streams": "Overflow Stream",
    },
)
