"""What observers are told of orders: sent, answered, reported, ended; refused where nothing was sent."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from lotusx.errors import ExchangeError, InsufficientFunds, InvalidOrder, OrderVetoed, RequestTimeout
from lotusx.kernel.ports import OrderRef
from lotusx.kernel.telemetry import (
    Event,
    FillReported,
    OrderAnswered,
    OrderOutcome,
    OrderRefused,
    OrderReported,
    OrderSent,
    Telemetry,
)

from .order_kit import BTC, EPOCH_NS, INSTRUMENT, World, fill, in_virtual_time, limit, raiser, refusal


def watched(**more: Any) -> tuple[World, list[Event]]:
    telemetry = Telemetry("ex")
    seen: list[Event] = []
    world = World(telemetry=telemetry, **more)
    telemetry.observe(seen.append)
    return world, seen


def kinds(seen: list[Event]) -> list[str]:
    return [type(event).__name__ for event in seen]


def test_an_order_is_told_before_it_is_sent_and_when_it_has_its_outcome() -> None:
    async def run() -> None:
        world, seen = watched()
        await world.desk.place(limit(), INSTRUMENT)
        assert kinds(seen) == ["OrderSent", "OrderAnswered", "OrderReported", "OrderOutcome"]
        sent, answered, reported, outcome = seen
        assert isinstance(sent, OrderSent)
        assert (sent.kind, sent.client_order_id, sent.symbol, sent.together) == ("place", "a-1", BTC, 1)
        assert sent.request is not None
        assert sent.request.price == D(100)
        assert sent.asked_ns >= EPOCH_NS
        assert answered == OrderAnswered("ex", sent.command, 0.0)
        assert isinstance(reported, OrderReported)
        assert reported.state.venue_order_id == "1"
        assert isinstance(outcome, OrderOutcome)
        assert (outcome.outcome, outcome.kind, outcome.symbol, outcome.command) == (
            "accepted",
            "place",
            BTC,
            sent.command,
        )
        assert outcome.error == ""

    in_virtual_time(run)


def test_a_refusal_names_the_error_in_answer_and_outcome() -> None:
    async def run() -> None:
        world, seen = watched()
        world.exchange.on["place"] = [raiser(refusal(InsufficientFunds))]
        with pytest.raises(InsufficientFunds):
            await world.desk.place(limit(), INSTRUMENT)
        assert [event.error for event in seen if isinstance(event, OrderAnswered | OrderOutcome)] == [
            "InsufficientFunds",
            "InsufficientFunds",
        ]

    in_virtual_time(run)


def test_what_a_check_vetoes_is_told_as_refused_and_never_as_sent() -> None:
    def veto(*_: object) -> None:
        raise OrderVetoed("too much", rule="max_notional")

    async def run() -> None:
        world, seen = watched(checks=(veto,))
        with pytest.raises(OrderVetoed):
            await world.desk.place(limit(), INSTRUMENT)
        await world.desk.place_batch([limit("b-1")], [INSTRUMENT])
        assert [(e.client_order_id, e.kind, e.error) for e in seen if isinstance(e, OrderRefused)] == [
            ("a-1", "place", "OrderVetoed"),
            ("b-1", "place", "OrderVetoed"),
        ]
        assert kinds(seen) == ["OrderRefused", "OrderRefused"]

    in_virtual_time(run)


def test_what_the_journal_cannot_keep_is_told_as_refused() -> None:
    class Full:
        async def intend(self, intent: object) -> None:
            raise OSError("disk full")

        async def conclude(self, *_: object) -> None: ...
        async def undecided(self) -> list[Any]:
            return []

    async def run() -> None:
        world, seen = watched(journal=Full())
        with pytest.raises(OSError, match="disk full"):
            await world.desk.place(limit(), INSTRUMENT)
        await world.desk.place_batch([limit("b-1"), limit("b-2")], [INSTRUMENT, INSTRUMENT])
        assert kinds(seen) == ["OrderRefused"] * 3

    in_virtual_time(run)


def test_orders_of_a_batch_are_told_each_and_say_how_many_go_together() -> None:
    async def run() -> None:
        world, seen = watched()
        world.exchange.on["place"] = [raiser(refusal(InvalidOrder)), lambda *_: None]
        await world.desk.place_batch([limit("b-1"), limit("b-2")], [INSTRUMENT, INSTRUMENT])
        sent = [event for event in seen if isinstance(event, OrderSent)]
        assert [(event.client_order_id, event.together) for event in sent] == [("b-1", 2), ("b-2", 2)]
        assert len({event.command for event in sent}) == 2
        assert kinds(seen)[:4] == ["OrderSent", "OrderSent", "OrderAnswered", "OrderAnswered"]

    in_virtual_time(run)


def test_fills_and_changes_from_the_account_stream_are_told_each_once() -> None:
    async def run() -> None:
        world, seen = watched()
        await world.desk.place(limit(), INSTRUMENT)
        seen.clear()
        for _ in range(2):
            world.desk.apply_fill(fill())
        assert [event.fill.trade_id for event in seen if isinstance(event, FillReported)] == ["t1"]

    in_virtual_time(run)


def test_cancelling_everything_is_told_and_unknown_where_the_answer_is_lost() -> None:
    async def run() -> None:
        world, seen = watched()
        await world.desk.cancel_all(INSTRUMENT)
        world.exchange.on["cancel_all"] = [raiser(RequestTimeout("lost", sent=True))]
        with pytest.raises(RequestTimeout):
            await world.desk.cancel_all(None)
        world.exchange.on["cancel_all"] = [raiser(ExchangeError("ex", "-1", "no"))]
        with pytest.raises(ExchangeError):
            await world.desk.cancel_all(None)
        assert [(e.kind, e.symbol) for e in seen if isinstance(e, OrderSent)] == [
            ("cancel_all", BTC),
            ("cancel_all", None),
            ("cancel_all", None),
        ]
        outcomes = [event for event in seen if isinstance(event, OrderOutcome)]
        assert [(event.outcome, event.error) for event in outcomes] == [
            ("accepted", ""),
            ("unknown", "RequestTimeout"),
            ("rejected", "ExchangeError"),
        ]

    in_virtual_time(run)


def test_a_cancellation_is_told_with_the_names_it_uses() -> None:
    async def run() -> None:
        world, seen = watched()
        await world.desk.place(limit(), INSTRUMENT)
        seen.clear()
        await world.desk.cancel(OrderRef(client_order_id="a-1"), INSTRUMENT)
        sent = seen[0]
        assert isinstance(sent, OrderSent)
        assert sent.kind == "cancel"
        assert sent.names is not None
        assert sent.names.venue_order_id == "1"

    in_virtual_time(run)
