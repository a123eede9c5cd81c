"""The dialect of the private address, whose URL is the subscription. The other addresses speak as those of spot do."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lotusx.plugin import Control, Notice, NoticeKind, SigningContext
from lotusx_binance.codec import ACCOUNT_KEY, StreamCodec


class _Event(msgspec.Struct):
    e: str = ""


class _Frame(msgspec.Struct):
    """An event, or one wrapped as on a combined stream."""

    e: str = ""
    data: _Event | None = None


_frame = msgspec.json.Decoder(_Frame).decode
_EXPIRED = "listenKeyExpired"


class PrivateCodec(StreamCodec):
    """User data. Nothing is sent; whatever comes is the account's.

    A key that expires leaves the socket open and silent: it is told as a log-in that is needed, and a new socket with a
    new key takes its place.
    """

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return []

    def unsubscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return []

    def route(self, message: bytes) -> str | Control:
        try:
            frame = _frame(message)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ACCOUNT_KEY  # whose reader refuses it, so that what it said is asked for
        kind = frame.data.e if frame.data is not None else frame.e
        if kind == _EXPIRED:
            return Notice(NoticeKind.LOGIN_REQUIRED, kind)
        if not kind:
            return self._control(message)
        return ACCOUNT_KEY
