"""Rows into Redis Streams, for consumers on other machines."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence

import redis

from lotusx_recorder.sinks import Origin
from lotusx_recorder.tables import SCHEMAS, Row

_CHUNK = 1_000
_TIMEOUT_S = 5.0


class RedisSink:
    """Appends each row to the stream ``lotusx:TABLE``, as JSON in the field ``row``; ``run`` says of which run it is.

    A flush is done when the server has acknowledged every row; how safe they are there, its settings decide. Where an
    acknowledgement was lost a row is sent again: ``run``, table and ``seq`` tell repetitions.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``, as redis-py reads it.
        max_len: About how many entries a stream keeps; the server drops older ones.
    """

    def __init__(self, url: str, *, max_len: int = 1_000_000) -> None:
        self._client = redis.Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
        self._max_len = max_len
        self._waiting: deque[tuple[str, str]] = deque()
        self._origin = Origin("", "", "")

    def open(self, origin: Origin) -> None:
        """Look that the server is there. See `lotusx_recorder.Sink`."""
        self._origin = origin
        try:
            self._client.ping()
        except redis.RedisError as error:
            raise OSError(f"Redis: {error}") from error

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """See `lotusx_recorder.Sink`."""
        where, names = (self._origin.exchange, self._origin.environment), SCHEMAS[table].names
        texts = [json.dumps(dict(zip(names, (*where, *row), strict=True))) for row in rows]
        self._waiting.extend((f"lotusx:{table}", text) for text in texts)

    def flush(self) -> None:
        """Send what waits, a thousand rows at a time. See `lotusx_recorder.Sink`."""
        while self._waiting:
            chunk = [self._waiting[place] for place in range(min(_CHUNK, len(self._waiting)))]
            pipeline = self._client.pipeline(transaction=False)
            for stream, text in chunk:
                fields = {"run": self._origin.run, "row": text}
                pipeline.xadd(stream, fields, maxlen=self._max_len, approximate=True)  # type: ignore[arg-type]  # invariant
            try:
                pipeline.execute()
            except redis.RedisError as error:
                raise OSError(f"Redis: {error}") from error
            for _ in chunk:
                self._waiting.popleft()

    def close(self) -> None:
        """See `lotusx_recorder.Sink`."""
        self._client.close()
