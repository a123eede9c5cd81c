"""What observers are told of orders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from lotusx.kernel.orders.outcome import CANCEL_ALL, Command, CommandKind, Phase, is_proof
from lotusx.kernel.telemetry import (
    FillReported,
    OrderAnswered,
    OrderOutcome,
    OrderRefused,
    OrderReported,
    OrderSent,
    Telemetry,
)
from lotusx.model.account import AccountEvent, FillEvent, OrderEvent

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.model.symbol import Symbol
    from lotusx.orders.journal import Intent

T = TypeVar("T")


class Teller:
    """Tells the observers of one account; where nobody observes it does nothing."""

    def __init__(self, exchange: str, clock: Clock, telemetry: Telemetry | None) -> None:
        self._exchange = exchange
        self._clock = clock
        self._telemetry = Telemetry() if telemetry is None else telemetry

    def refused(self, kind: str, symbol: Symbol | None, name: str, error: BaseException) -> None:
        """Nothing was sent, and why."""
        if self._telemetry:
            self._telemetry.emit(OrderRefused(self._exchange, kind, symbol, name, type(error).__name__, str(error)))

    def sending(self, pairs: Sequence[tuple[Command, Intent]]) -> None:
        """These commands go out together."""
        if not self._telemetry:
            return
        for command, intent in pairs:
            command.number = self._telemetry.next_call()
            sent = OrderSent(
                self._exchange,
                command.number,
                intent.kind.value,
                intent.symbol,
                intent.client_order_id,
                intent.asked_ns,
                intent.request,
                intent.change,
                intent.names,
                len(pairs),
            )
            self._telemetry.emit(sent)

    def answered(self, command: Command, answer: object) -> None:
        """The call that sent *command* ended, with an error where *answer* is one."""
        if self._telemetry:
            name = type(answer).__name__ if isinstance(answer, BaseException) else ""
            self._telemetry.emit(OrderAnswered(self._exchange, command.number, self._since_s(command.sent_ns), name))

    def ended(self, command: Command, symbol: Symbol) -> None:
        """A command has ended as it stands."""
        if self._telemetry:
            ended = OrderOutcome(
                self._exchange,
                command.subject,
                command.phase.value,
                command.evidence,
                command.kind.value,
                symbol,
                self._since_s(command.sent_ns),
                command.number,
                "" if command.error is None else type(command.error).__name__,
            )
            self._telemetry.emit(ended)

    def news(self, events: Sequence[AccountEvent]) -> None:
        """This is new about orders and fills."""
        if self._telemetry:
            for event in events:
                if isinstance(event, OrderEvent):
                    self._telemetry.emit(OrderReported(self._exchange, event.state))
                elif isinstance(event, FillEvent):
                    self._telemetry.emit(FillReported(self._exchange, event.fill))

    async def around_cancel_all(self, symbol: Symbol | None, call: Callable[[], Awaitable[T]]) -> T:
        """Return what *call* does, which cancels every order of *symbol* (``None``: of the account).

        Nobody looks for what became of it where the answer is lost: to observers it is unknown then.
        """
        if not self._telemetry:
            return await call()
        name, began_ns, number = self._exchange, self._clock.monotonic_ns(), self._telemetry.next_call()
        self._telemetry.emit(OrderSent(name, number, CANCEL_ALL, symbol, "", self._clock.now_ns()))
        outcome, evidence, error_name = Phase.ACCEPTED, "acknowledged by the exchange", ""
        try:
            return await call()
        except BaseException as error:
            outcome = Phase.REJECTED if is_proof(CommandKind.PLACE, error) else Phase.UNKNOWN
            error_name = type(error).__name__
            evidence = f"{error_name}: {error}"
            raise
        finally:
            took_s = self._since_s(began_ns)
            self._telemetry.emit(OrderAnswered(name, number, took_s, error_name))
            self._telemetry.emit(
                OrderOutcome(name, "", outcome.value, (evidence,), CANCEL_ALL, symbol, took_s, number, error_name)
            )

    def _since_s(self, began_ns: int) -> float:
        return (self._clock.monotonic_ns() - began_ns) / 1e9
