"""Cuts a WebSocket's bytes into messages, and writes messages: plain frames here, everything else by wsproto. No I/O.

Nearly all frames an exchange sends are final, unmasked, uncompressed text frames (first byte 0x81). Those, and pings
and pongs, are cut out here; fragments, binary, compressed and closing frames and all errors go byte for byte to a
wsproto ``Connection``, which stays the judge of the protocol. Any split of a byte stream gives the same messages, in
the same order, and the same end as wsproto alone gives, with four differences, all on purpose:

- invalid UTF-8 in a plain frame is reported (1007) when the frame is complete, not at the first bad byte;
- a message larger than the cap ends the socket (1009), for one frame as soon as its header announces it;
- of several pings in one read only the last is kept to be answered, as RFC 6455 5.5.3 allows, so that a flood of
  pings costs neither time nor memory (through wsproto, one 256 KB read of empty pings would block for seconds);
- a ping between the fragments of a compressed message does no harm (wsproto 1.3 then forgets that it is compressed).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from wsproto.connection import Connection, ConnectionState
from wsproto.events import BytesMessage, CloseConnection, TextMessage
from wsproto.frame_protocol import CloseReason

from lotusx.kernel.transport import WsClosed

_TEXT = 0x81
_PING = 0x89
_PONG = 0x8A

_GOODBYE_HEARD = (ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED)

_STEP = 4096
"""Most bytes given to wsproto at once. Deflate expands at most 1 032 times and wsproto sets no limit of its own, so
this bounds what a decompression bomb can occupy beyond the cap to about 4 MiB."""


def text_frame(text: str, mask: bytes) -> bytes:
    """Return one text message as a client sends it, in a single frame and not compressed, which always may be.

    Args:
        mask: Four random bytes, new for each frame (RFC 6455, 5.3).
    """
    payload = text.encode()
    size = len(payload)
    if size < 126:
        head = bytes((_TEXT, 0x80 | size))
    elif size < 65_536:
        head = b"\x81\xfe" + size.to_bytes(2, "big")
    else:
        head = b"\x81\xff" + size.to_bytes(8, "big")
    pattern = (mask * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "little") ^ int.from_bytes(pattern, "little")
    return head + mask + masked.to_bytes(size, "little")


def cut_texts_interpreted(data: bytes, position: int, cap: int, messages: list[bytes]) -> int:
    """Cut out complete plain text frames of up to 64 KB; return where the first other byte stands.

    The short way for nearly all frames; `FrameReader.feed` knows the other rules, and looks again at what is left here.
    """
    add = messages.append
    last = len(data) - 4
    while position <= last and data[position] == _TEXT:
        start = position + 2
        length = data[position + 1]
        if length > 125:
            start += 2
            if length > 126 or (length := (data[position + 2] << 8) + data[position + 3]) < 126:
                break
        payload = data[start : start + length]
        if len(payload) < length or length > cap or not (payload.isascii() or _is_utf8(payload)):
            break
        add(payload)
        position = start + length
    return position


cut_texts: Callable[[bytes, int, int, list[bytes]], int] = cut_texts_interpreted
with suppress(ImportError):  # there was no compiler
    from lotusx.transport import _frames

    cut_texts = _frames.cut_texts


class FrameReader:
    """Turns bytes, as they arrive, into complete messages.

    Args:
        engine: A client's open wsproto connection that has been given no bytes yet.
        max_message_bytes: A longer message (after decompression) ends the socket with 1009.

    Attributes:
        closed: How the socket ended, once the peer closed it (``clean``) or broke the protocol; ``None`` before.
            Bytes fed later are ignored.
        ping: Payload of the newest ping nobody answered yet; whoever answers sets it to ``None``.
    """

    __slots__ = ("_cap", "_engine", "_engine_owns", "_fragmented", "_held", "_needed", "_parts", "closed", "ping")

    def __init__(self, engine: Connection, max_message_bytes: int) -> None:
        self.closed: WsClosed | None = None
        self.ping: bytes | None = None
        self._engine = engine
        self._cap = max_message_bytes
        self._held = bytearray()  # the start of a frame that has not arrived completely,
        self._needed = 0  # and how many bytes it takes to go on
        self._engine_owns = 0  # bytes still to come of a frame whose header went to wsproto
        self._fragmented = False  # the last data frame was not final
        self._parts = bytearray()  # of the message wsproto is handing out

    def feed(self, data: bytes) -> list[bytes]:
        """Take what one read brought and return the messages it completed, oldest first (text as UTF-8)."""
        messages: list[bytes] = []
        if self._held:
            self._held += data
            if len(self._held) < self._needed:
                return messages
            data = bytes(self._held)
            self._held.clear()
        position, end = 0, len(data)
        while self.closed is None:
            if not self._engine_owns and not self._fragmented:
                position = cut_texts(data, position, self._cap, messages)
            if self._engine_owns:
                if position == end:
                    return messages
                stop = min(position + self._engine_owns, position + _STEP, end)
                self._engine_owns -= stop - position
                self._to_engine(data[position:stop], messages)
                position = stop
                continue
            start = position + 2
            if start > end:
                self._hold(data, position, 2)
                return messages
            first = data[position]
            second = data[position + 1]
            length = second & 0x7F
            canonical = True
            if length > 125:
                if first & 0x0F > 2:  # no such frame may be this long; wsproto says which rule is broken
                    self._to_engine(data[position:], messages)
                    return messages
                start, least = (start + 2, 126) if length == 126 else (start + 8, 65536)
                if start > end:
                    self._hold(data, position, start - position)
                    return messages
                length = int.from_bytes(data[position + 2 : start], "big")
                canonical = length >= least
            stop = start + length
            if second < 128 and (
                (first == _TEXT and length <= self._cap and canonical and not self._fragmented)
                or first in (_PING, _PONG)
            ):
                if stop > end:
                    self._hold(data, position, stop - position)
                    return messages
                payload = data[start:stop]
                position = stop
                if first == _TEXT:
                    if not payload.isascii() and not _is_utf8(payload):
                        self.closed = WsClosed(CloseReason.INVALID_FRAME_PAYLOAD_DATA.value, "invalid UTF-8")
                        return messages
                    messages.append(payload)
                elif first == _PING:
                    self.ping = payload
                continue
            self._to_engine(data[position:start], messages)
            position = start
            if first & 0x0F <= 2:
                self._fragmented = first < 0x80
                if length > self._cap:
                    self._refuse_size()
            self._engine_owns = length
        return messages

    def _hold(self, data: bytes, position: int, needed: int) -> None:
        if position < len(data):
            self._held += memoryview(data)[position:]
            self._needed = needed

    def _to_engine(self, data: bytes, messages: list[bytes]) -> None:
        self._engine.receive_data(data)
        for event in self._engine.events():
            if isinstance(event, TextMessage | BytesMessage):
                self._parts += event.data.encode() if isinstance(event, TextMessage) else event.data
                if len(self._parts) > self._cap:
                    self._refuse_size()
                    return
                if event.message_finished:
                    messages.append(bytes(self._parts))
                    self._parts.clear()
            elif isinstance(event, CloseConnection):
                clean = self._engine.state in _GOODBYE_HEARD
                self.closed = WsClosed(int(event.code), event.reason or "", clean)

    def _refuse_size(self) -> None:
        if self.closed is None:
            reason = f"a message is larger than {self._cap} bytes"
            self.closed = WsClosed(CloseReason.MESSAGE_TOO_BIG.value, reason)


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
