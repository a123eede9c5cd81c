"""Broken codecs and channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lotusx.errors import ItemRejected
from lotusx.kernel.context import Kernel
from rig.tamper import Broken, OtherParts, Passing


class _ForgetfulCodec(Passing):
    """A codec that leaves out the last of several channels when it subscribes again."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._seen: set[str] = set()

    def subscribe(self, keys: Sequence[str], request_id: int, context: Any) -> list[str]:
        known = self._seen.issuperset(keys)
        self._seen.update(keys)
        kept = keys[:-1] if known and len(keys) > 1 else keys
        texts: list[str] = self._inner.subscribe(kept, request_id, context)
        return texts


class _Forgetful(OtherParts):
    def codecs(self, *arguments: Any) -> Mapping[str, Any]:
        return {name: _ForgetfulCodec(codec) for name, codec in self._inner.codecs(*arguments).items()}


class _OtherMarket(Passing):
    """Market data with one part of it replaced."""

    def __init__(self, inner: Any, **methods: Callable[..., Any]) -> None:
        super().__init__(inner)
        for name, method in methods.items():
            setattr(self, name, method)


class _OtherConnector(Passing):
    def __init__(self, inner: Any, **ports: Any) -> None:
        super().__init__(inner)
        for name, port in ports.items():
            setattr(self, name, port)


class _GapBlind(OtherParts):
    """Applies every update to the book, gap or not."""

    def connector(self, kernel: Kernel) -> Any:
        inner = self._inner.connector(kernel)
        market = _OtherMarket(
            inner.market, book_rule=lambda *depth: replace(inner.market.book_rule(*depth), log_gaps_only=True)
        )
        return _OtherConnector(inner, market=market)


def _forgiving(channel: Any) -> Any:
    def convert(message: bytes, received_ns: int) -> Sequence[Any]:
        try:
            events: Sequence[Any] = channel.convert(message, received_ns)
        except (ItemRejected, ValueError):
            return ()
        return events

    return replace(channel, convert=convert)


class _Forgiving(OtherParts):
    """Passes over what it cannot read, as accessors with defaults do."""

    def connector(self, kernel: Kernel) -> Any:
        inner = self._inner.connector(kernel)
        market = _OtherMarket(
            inner.market, trades_channel=lambda instrument: _forgiving(inner.market.trades_channel(instrument))
        )
        return _OtherConnector(inner, market=market)


class _NoRecovery(OtherParts):
    """Takes a new subscription for a recovery."""

    def connector(self, kernel: Kernel) -> Any:
        inner = self._inner.connector(kernel)
        account = _OtherMarket(
            inner.account, channels=lambda: tuple(replace(each, private=False) for each in inner.account.channels())
        )
        return _OtherConnector(inner, account=account)


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
