"""Broken codecs and channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec import MsgspecError
from msgspec.structs import replace as _change

from lotusx.errors import ItemRejected
from lotusx.kernel.book import BookRule
from lotusx.kernel.context import Kernel
from rig.tamper import Broken, OtherParts, Passing


class _ForgetfulCodec(Passing):
    """A codec that leaves out the channel that was added last when it subscribes again."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._seen: dict[str, None] = {}

    def subscribe(self, keys: Sequence[str], request_id: int, context: Any) -> list[str]:
        again = all(key in self._seen for key in keys)
        self._seen.update(dict.fromkeys(keys))
        newest = next(reversed(self._seen))
        kept = [key for key in keys if key != newest] if again else keys
        texts: list[str] = self._inner.subscribe(kept, request_id, context) if kept else []
        return texts


class _Forgetful(OtherParts):
    def codecs(self, *arguments: Any) -> Mapping[str, Any]:
        return {name: _ForgetfulCodec(codec) for name, codec in self._inner.codecs(*arguments).items()}


class OtherPort(Passing):
    """A port with some of its methods replaced."""

    def __init__(self, inner: Any, **methods: Callable[..., Any]) -> None:
        super().__init__(inner)
        for name, method in methods.items():
            setattr(self, name, method)


class OtherConnector(Passing):
    """A connector with some of its ports replaced."""

    def __init__(self, inner: Any, **ports: Any) -> None:
        super().__init__(inner)
        for name, port in ports.items():
            setattr(self, name, port)


class _GapBlind(OtherParts):
    """Applies every update to the book, gap or not."""

    def connector(self, kernel: Kernel) -> Any:
        inner = self._inner.connector(kernel)
        market = OtherPort(
            inner.market, book_rule=lambda *depth: replace(inner.market.book_rule(*depth), log_gaps_only=True)
        )
        return OtherConnector(inner, market=market)


class _Merging(OtherParts):
    """Merges each whole book into the one before."""

    def connector(self, kernel: Kernel) -> Any:
        inner = self._inner.connector(kernel)

        def channel(*arguments: Any) -> Any:
            whole = inner.market.book_channel(*arguments)
            seen: list[int] = []

            def convert(message: bytes, received_ns: int) -> Sequence[Any]:
                seen.append(received_ns)
                updates = whole.convert(message, received_ns)
                return updates if len(seen) == 1 else [_change(update, snapshot=False) for update in updates]

            return replace(whole, convert=convert)

        rule = BookRule.stream_snapshot(window=20, log_gaps_only=True)
        market = OtherPort(inner.market, book_channel=channel, book_rule=lambda *depth: rule)
        return OtherConnector(inner, market=market)


def _forgiving(channel: Any) -> Any:
    def convert(message: bytes, received_ns: int) -> Sequence[Any]:
        try:
            events: Sequence[Any] = channel.convert(message, received_ns)
        except (ItemRejected, MsgspecError):
            return ()
        return events

    return replace(channel, convert=convert)


class _Forgiving(OtherParts):
    """Passes over what it cannot read, as accessors with defaults do."""

    def connector(self, kernel: Kernel) -> Any:
        inner = self._inner.connector(kernel)
        market = OtherPort(
            inner.market, trades_channel=lambda instrument: _forgiving(inner.market.trades_channel(instrument))
        )
        return OtherConnector(inner, market=market)


class _NoRecovery(OtherParts):
    """Takes a new subscription for a recovery."""

    def connector(self, kernel: Kernel) -> Any:
        inner = self._inner.connector(kernel)
        account = OtherPort(
            inner.account, channels=lambda: tuple(replace(each, private=False) for each in inner.account.channels())
        )
        return OtherConnector(inner, account=account)


BROKEN = (
    Broken(
        "one channel is forgotten",
        "I04",
        "the list of subscriptions is not what is sent after a reconnect",
        ("cut all",),
        manager=_Forgetful,
    ),
    Broken(
        "gaps are applied",
        "I09",
        "sequence numbers are read and not compared",
        ("book messages spoilt",),
        manager=_GapBlind,
        exchanges=("backpack", "binance", "binance-perp", "bybit", "bybit-perp"),
    ),
    Broken(
        "whole books are taken for changes",
        "I09",
        "an unread flag: what replaces the book is merged into it, and levels that are gone stay",
        ("nothing",),
        manager=_Merging,
        exchanges=("hyperliquid",),
    ),
    Broken(
        "what cannot be read is passed over",
        "I14",
        "accessors with defaults hide a message that cannot be understood",
        ("trade messages cut",),
        manager=_Forgiving,
    ),
    Broken(
        "a new subscription is taken for a recovery",
        "I19",
        "what happened while the socket was down is never asked for",
        ("unreachable",),
        manager=_NoRecovery,
    ),
)
