"""Rows into Kafka, or what speaks its protocol, for consumers on other machines."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic  # the types know it there only

from lotusx_recorder.sinks import Origin
from lotusx_recorder.tables import SCHEMAS, Row

_LARGEST = 1_000_000
_OVERHEAD = 1_024  # of a message: key, header and framing count as well
_SLICE_S = 0.25
_YOURS = ("message.max.bytes", "compression.type", "client.id", "sasl.mechanism", "ssl.")
_GONE = (KafkaError._UNKNOWN_TOPIC, KafkaError.UNKNOWN_TOPIC_OR_PART)


class KafkaSink:
    """Produces each row to the topic ``lotusx.TABLE`` as JSON; the header ``Lotusx-Run`` says of which run it is.

    The key is the exchange: what one exchange said stays in one partition, in order. Topics that are missing are made
    with the broker's defaults. A flush is done when all replicas in sync have acknowledged every row. Until they do
    rows are held, and sent again under the same numbers, by which the broker keeps each once. Where the broker has
    forgotten the numbers, rows that were not acknowledged may come twice: ``run``, table and ``seq`` tell.

    Args:
        url: ``kafka://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…][?SETTING=VALUE…]``; ``kafkas://``: over TLS. Settings
            are those of librdkafka that name what is yours: ``message.max.bytes``, ``compression.type``, ``client.id``,
            ``sasl.mechanism`` (SCRAM-SHA-512), ``ssl.…``.
        timeout_s: How long a flush, or making ready, waits for the broker to say anything.
    """

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        self._settings = _settings(url)
        self._timeout_s = timeout_s
        self._largest = int(self._settings["message.max.bytes"]) - _OVERHEAD
        self._origin = Origin("", "", "")
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._refused: list[tuple[str, bytes]] = []
        self._in_flight = 0
        self._delivered = 0
        self._reason = ""
        self._producer: Producer | None = None
        self._is_broken = False
        self._has_topics = False

    def open(self, origin: Origin) -> None:
        """Look that the broker is there and has the topics. See `lotusx_recorder.Sink`."""
        self._origin = origin
        self._make_topics()

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """See `lotusx_recorder.Sink`. A row that is larger than ``message.max.bytes`` is an error."""
        where, names = (self._origin.exchange, self._origin.environment), SCHEMAS[table].names
        made = [json.dumps(dict(zip(names, (*where, *row), strict=True))).encode() for row in rows]
        largest = max((len(each) for each in made), default=0)
        if largest > self._largest:
            raise ValueError(f"a row of {largest} bytes; {self._largest} may be sent (message.max.bytes)")
        self._waiting.extend((f"lotusx.{table}", each) for each in made)

    def flush(self) -> None:
        """Send what waits, and have it acknowledged. See `lotusx_recorder.Sink`."""
        if not self._has_topics and self._make_topics():
            self._is_broken = True  # who has lost topics knows no numbers either
        if self._is_broken:
            self._give_up()
        producer = self._producer
        if producer is None:
            producer = self._producer = Producer(
                {
                    **self._settings,
                    "enable.idempotence": True,
                    "acks": "all",
                    "message.timeout.ms": 0,  # nothing is given up that may have been sent
                    "allow.auto.create.topics": False,
                    "topic.metadata.propagation.max.ms": int(self._timeout_s * 1_000),
                    "on_delivery": self._told,
                    "error_cb": self._failed,
                }
            )
        heard, late_s = self._delivered, monotonic() + self._timeout_s
        while self._waiting or self._in_flight:
            self._hand_over(producer)
            producer.flush(_SLICE_S)
            if self._refused or self._is_broken:
                self._waiting.extendleft(reversed(self._refused))
                self._refused.clear()
                raise self._error()
            if self._delivered > heard:
                heard, late_s = self._delivered, monotonic() + self._timeout_s
            elif monotonic() > late_s:
                self._has_topics = False  # perhaps: some versions of the client would wait for ever
                raise self._error()

    def close(self) -> None:
        """See `lotusx_recorder.Sink`."""
        self._give_up()

    def _hand_over(self, producer: Producer) -> None:
        key = self._origin.exchange.encode()
        headers: dict[str, str | bytes | None] = {"Lotusx-Run": self._origin.run.encode()}
        while self._waiting:
            topic, value = self._waiting[0]
            try:
                producer.produce(topic, value, key, headers=headers)
            except BufferError:  # so many are on their way
                return
            except KafkaException as error:
                self._failed(error.args[0])
                self._is_broken = True
                return
            self._in_flight += 1
            self._waiting.popleft()

    def _give_up(self) -> None:
        """Let go of the producer; what it had not delivered waits again."""
        producer, self._producer, self._is_broken = self._producer, None, False
        if producer is None:
            return
        producer.purge()
        producer.flush(self._timeout_s)
        self._waiting.extendleft(reversed(self._refused))
        self._refused.clear()
        self._in_flight = 0

    def _make_topics(self) -> list[str]:
        """Make the topics that are missing, and return their names."""
        settings: dict[str, Any] = {**self._settings, "error_cb": self._failed}
        admin = AdminClient(settings)
        try:
            found = admin.list_topics(timeout=self._timeout_s).topics
            missing = [name for name in map("lotusx.{}".format, SCHEMAS) if name not in found]
            made = (
                admin.create_topics([NewTopic(name) for name in missing], request_timeout=self._timeout_s)
                if missing
                else {}
            )
        except KafkaException as error:
            admin.poll(0)  # it says why
            raise self._error(error) from error
        for name, outcome in made.items():
            try:
                outcome.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise OSError(
                        f"Kafka: the topic {name} is missing and cannot be made: {error.args[0].str()}"
                    ) from error
        self._has_topics = True
        return missing

    def _told(self, error: KafkaError | None, message: Message) -> None:
        """Hear what became of one row."""
        self._in_flight -= 1
        if error is None:
            self._delivered += 1
            self._reason = ""
            return
        topic, value = str(message.topic()), message.value()
        assert isinstance(value, bytes)
        self._refused.append((topic, value))
        self._reason = f"{topic}: {error.str()}"
        if error.code() in _GONE:
            self._has_topics = False

    def _failed(self, error: KafkaError) -> None:
        """Hear what is wrong with the brokers."""
        self._is_broken = self._is_broken or error.fatal()
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # which does not say why
            self._reason = error.str()

    def _error(self, error: KafkaException | None = None) -> OSError:
        said = f"no acknowledgement within {self._timeout_s} s" if error is None else error.args[0].str()
        return OSError(f"Kafka: {self._settings['bootstrap.servers']}: {self._reason or said}")


def _settings(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    if not all(hosts.split(",")):
        raise ValueError("it names no host")
    chosen = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    for name in chosen:
        if not name.startswith(_YOURS):
            raise ValueError(f"{name} is not among the settings that can be chosen: {', '.join(_YOURS)}")
    secure = "SSL" if parts.scheme == "kafkas" else "PLAINTEXT"
    settings: dict[str, Any] = {
        "bootstrap.servers": hosts,
        "security.protocol": secure,
        "message.max.bytes": str(_LARGEST),
        "reconnect.backoff.max.ms": 1_000,
        "log_level": 0,  # what is wrong it tells us as well
    }
    if login:
        user, _, password = login.partition(":")
        settings |= {
            "security.protocol": f"SASL_{secure}",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": unquote(user),
            "sasl.password": unquote(password),
        }
    return settings | chosen
