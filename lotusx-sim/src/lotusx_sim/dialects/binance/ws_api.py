"""The WS API of spot: every method, and user data. Source: binance-spot-api-docs, web-socket-api.md."""

from typing import Any

import msgspec

from lotusx_sim.dialects.binance import accounts, markets, payloads, replacing, trading
from lotusx_sim.dialects.binance.api_peer import ApiPeer, Special
from lotusx_sim.dialects.binance.call import Operation, Security
from lotusx_sim.dialects.binance.errors import VenueError
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.state import SpotState
from lotusx_sim.dialects.binance.symbols import text
from lotusx_sim.engine.orders import BalanceEvent, OrderEvent
from lotusx_sim.venue import Outbox

USER_TOPIC = "user"
_MAX_SUBSCRIPTIONS = 1_000

METHODS: dict[str, Operation] = {
    "ping": markets.PING,
    "time": markets.TIME,
    "exchangeInfo": markets.EXCHANGE_INFO,
    "depth": markets.DEPTH,
    "trades.recent": markets.TRADES,
    "trades.historical": markets.HISTORICAL_TRADES,
    "trades.aggregate": markets.AGGREGATE_TRADES,
    "klines": markets.KLINES,
    "uiKlines": markets.KLINES,
    "avgPrice": markets.AVERAGE_PRICE,
    "ticker.24hr": markets.TICKER_DAY,
    "ticker.price": markets.TICKER_PRICE,
    "ticker.book": markets.TICKER_BOOK,
    "order.place": trading.PLACE,
    "order.test": trading.TEST,
    "order.status": trading.QUERY,
    "order.cancel": trading.CANCEL,
    "order.cancelReplace": replacing.REPLACE,
    "order.amend.keepPriority": trading.AMEND,
    "openOrders.status": trading.OPEN_ORDERS,
    "openOrders.cancelAll": trading.CANCEL_ALL,
    "allOrders": accounts.ALL_ORDERS,
    "myTrades": accounts.MY_TRADES,
    "account.status": accounts.ACCOUNT,
    "account.commission": accounts.COMMISSION,
    "account.rateLimits.orders": accounts.ORDER_COUNTS,
}


class WsApiPeer(ApiPeer[SpotState]):
    """One connection to ``/ws-api/v3``."""

    def __init__(self, state: SpotState, out: Outbox, *, target: str, ip: str, opened_ns: int) -> None:
        super().__init__(state, METHODS, out, target=target, ip=ip, opened_ns=opened_ns)
        self._subscriptions: dict[int, str] = {}  # id -> account
        self._next_subscription = 0

    def closed(self, now_ns: int) -> None:
        super().closed(now_ns)
        self._subscriptions.clear()

    def _specials(self) -> dict[str, Special]:
        return {
            **super()._specials(),
            "session.subscriptions": self._list_subscriptions,
            "userDataStream.subscribe": self._subscribe_session,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
        }

    def _unknown(self, method: str) -> VenueError:
        if method.startswith("userDataStream."):
            return VenueError(-1020, "This method is no longer supported.", status=410)
        return super()._unknown(method)

    def _logout(self, params: Params, now_ns: int) -> dict[str, Any]:
        session = self._session
        if session is not None:
            for subscription in [i for i, owner in self._subscriptions.items() if owner == session.account]:
                self._terminate(subscription, now_ns)
        return super()._logout(params, now_ns)

    @property
    def _has_user_data(self) -> bool:
        return bool(self._subscriptions)

    # -- user data -----------------------------------------------------------------------------------------------

    def _list_subscriptions(self, params: Params, now_ns: int) -> list[dict[str, int]]:
        del params, now_ns
        return [{"subscriptionId": number} for number in self._subscriptions]

    def _subscribe_session(self, params: Params, now_ns: int) -> dict[str, int]:
        del params, now_ns
        if self._session is None:
            raise VenueError(-1102, "This request requires a session; log on first with session.logon.", status=400)
        return self._subscribe(self._session.account)

    def _subscribe_signed(self, params: Params, now_ns: int) -> dict[str, int]:
        params.need("apiKey")
        params.need("signature")
        return self._subscribe(self._authenticate(params, Security.USER_DATA, now_ns).account)

    def _subscribe(self, account: str) -> dict[str, int]:
        if account in self._subscriptions.values():
            raise VenueError(-2035, "User Data Stream subscription already active.")
        if len(self._subscriptions) >= _MAX_SUBSCRIPTIONS:
            raise VenueError(-2042, "User Data Stream subscription ID has reached its maximum.")
        number = self._next_subscription
        self._next_subscription += 1
        self._subscriptions[number] = account
        return {"subscriptionId": number}

    def _unsubscribe(self, params: Params, now_ns: int) -> dict[str, Any]:
        number = params.integer("subscriptionId")
        if number is not None and number not in self._subscriptions:
            raise VenueError(-2036, "User Data Stream subscription not active.")
        for subscription in [number] if number is not None else list(self._subscriptions):
            self._terminate(subscription, now_ns)
        return {}

    def _terminate(self, number: int, now_ns: int) -> None:
        if self._subscriptions.pop(number, None) is not None:
            self._push(number, {"e": "eventStreamTerminated", "E": now_ns // self._unit})

    def expire_subscriptions(self, now_ns: int) -> None:
        for number in list(self._subscriptions):
            self._terminate(number, now_ns)

    def announce_shutdown(self, now_ns: int) -> None:
        event = {"event": {"e": "serverShutdown", "E": now_ns // self._unit}}
        self._out.send(msgspec.json.encode(event).decode(), USER_TOPIC)

    def private_event(self, event: OrderEvent | BalanceEvent) -> None:
        """Push *event* to whoever subscribed to its account."""
        for number, account in self._subscriptions.items():
            if account == event.account:
                self._push(number, self._event_payload(event))

    def _event_payload(self, event: OrderEvent | BalanceEvent) -> dict[str, Any]:
        unit = self._unit
        if isinstance(event, OrderEvent):
            return payloads.execution_report(event, unit)
        if event.delta is not None:
            return {
                "e": "balanceUpdate",
                "E": event.ns // unit,
                "a": event.assets[0],
                "d": text(event.delta),
                "T": event.ns // unit,
            }
        ledger = self._state.exchange.accounts
        return {
            "e": "outboundAccountPosition",
            "E": event.ns // unit,
            "u": event.ns // unit,
            "B": [
                {"a": asset, "f": text(balance.free), "l": text(balance.locked)}
                for asset in event.assets
                for balance in (ledger.balance(event.account, asset),)
            ],
        }

    def _push(self, number: int, event: dict[str, Any]) -> None:
        self._out.send(msgspec.json.encode({"subscriptionId": number, "event": event}).decode(), USER_TOPIC)
