"""LotusX without ``async``, for scripts and notebooks: the same names, the same types, the same errors.

    import lotusx.sync

    with lotusx.sync.connect("example") as exchange:
        print(exchange.ticker("BTC/USDT").last_price)
        with exchange.stream_trades("BTC/USDT") as trades:
            for trade in trades:
                print(trade.price)

Each connection runs in a thread of its own; several may be open at once, and one may be used from several threads.
Those of `connect_many` share one thread, so that their streams and books can be read as one.
Ctrl-C ends a call that waits, and what it waited for is cancelled. A call costs about a tenth of a millisecond more
than its awaited twin: programs that follow fast markets are better off with ``async``.
"""

from lotusx.sync.account import Account
from lotusx.sync.book import BookChanges, LiveOrderBook
from lotusx.sync.exchange import Exchange, connect
from lotusx.sync.health import HealthEndpoint, check_all, serve_health
from lotusx.sync.many import ConsolidatedChanges, LiveConsolidatedBook, Many, Merged, connect_many
from lotusx.sync.market import MarketData
from lotusx.sync.orders import Order, OrderEvents
from lotusx.sync.streams import Handling, Stream
from lotusx.sync.trading import Trading

__all__ = [
    "Account",
    "BookChanges",
    "ConsolidatedChanges",
    "Exchange",
    "Handling",
    "HealthEndpoint",
    "LiveConsolidatedBook",
    "LiveOrderBook",
    "Many",
    "MarketData",
    "Merged",
    "Order",
    "OrderEvents",
    "Stream",
    "Trading",
    "check_all",
    "connect",
    "connect_many",
    "serve_health",
]
