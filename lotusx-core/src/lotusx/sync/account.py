"""Holdings of one account without ``await``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.history import Moment
from lotusx.model.enums import MarginMode
from lotusx.model.symbol import Symbol
from lotusx.sync.runner import Runner
from lotusx.sync.streams import Stream

if TYPE_CHECKING:
    from lotusx import account
    from lotusx.model.account import AccountEvent, Balance, Fees, FundingPayment, Leverage, Permissions, Position
    from lotusx.model.funds import Deposit, Transfer, Wallet, Withdrawal


class Account:
    """Twin of `lotusx.account.Account`: the same calls, which wait."""

    def __init__(self, twin: account.Account, runner: Runner) -> None:
        self._twin = twin
        self._runner = runner

    def balances(self) -> Sequence[Balance]:
        """Return holdings that are not zero."""
        return self._runner.call(self._twin.balances)

    def positions(self) -> Sequence[Position]:
        """Return positions that are not zero."""
        return self._runner.call(self._twin.positions)

    def fees(self, symbol: Symbol | str) -> Fees:
        """Return this account's fee rates of one instrument."""
        return self._runner.call(self._twin.fees, symbol)

    def permissions(self) -> Permissions:
        """Return what the key may do."""
        return self._runner.call(self._twin.permissions)

    def leverage(self, symbol: Symbol | str) -> Leverage:
        """Return how far positions of one instrument are leveraged."""
        return self._runner.call(self._twin.leverage, symbol)

    def set_leverage(self, symbol: Symbol | str, leverage: Decimal | int | str) -> None:
        """Set the leverage of one instrument. In doubt, setting it again is safe."""
        self._runner.call(self._twin.set_leverage, symbol, leverage)

    def set_margin_mode(self, symbol: Symbol | str, mode: MarginMode | str) -> None:
        """Have positions of one instrument share the account's margin, or use their own. Setting it again is safe."""
        self._runner.call(self._twin.set_margin_mode, symbol, mode)

    def change_margin(self, symbol: Symbol | str, amount: Decimal | int | str) -> None:
        """Add *amount* of the settle asset to the margin of an isolated position; below zero: take it out.

        Raises:
            TransportError: In doubt; look at the position before doing it again.
        """
        self._runner.call(self._twin.change_margin, symbol, amount)

    def deposits(self, asset: str | None = None, *, start: Moment = None, end: Moment = None) -> Sequence[Deposit]:
        """Return all deposits that were noticed in [start, end), oldest first; of *asset*, or of all.

        Args:
            start: ``None``: 90 days before *end*.
            end: ``None``: now.
        """
        return self._runner.call(self._twin.deposits, asset, start=start, end=end)

    def withdrawals(
        self, asset: str | None = None, *, start: Moment = None, end: Moment = None
    ) -> Sequence[Withdrawal]:
        """Return all withdrawals that were asked for in [start, end), oldest first; arguments as of `deposits`."""
        return self._runner.call(self._twin.withdrawals, asset, start=start, end=end)

    def transfer(
        self, asset: str, amount: Decimal | int | str, *, source: Wallet | str, target: Wallet | str
    ) -> Transfer:
        """Move *amount* between two wallets of the account: each a `Wallet`, or in the exchange's own name of it.

        Sent once, never again.

        Raises:
            InvalidArgument: The exchange has no such wallet; those it has are named.
            TransferOutcomeUnknown: In doubt. Do not do it again before you have looked; the text says where.
        """
        return self._runner.call(self._twin.transfer, asset, amount, source=source, target=target)

    def iter_funding_payments(
        self, symbol: Symbol | str | None = None, *, start: Moment = None, end: Moment = None
    ) -> Iterator[FundingPayment]:
        """Yield every funding payment of [start, end), oldest first, each once; of *symbol*, or of all instruments."""
        return self._runner.iterate(self._twin.iter_funding_payments(symbol, start=start, end=end))

    def stream_account(self, *, buffer: int = 100000) -> AbstractContextManager[Stream[AccountEvent]]:
        """Subscribe to orders, fills, balances and positions, in order, each once, across reconnects.

        What happens while the connection is down is fetched afterwards, delivered, and followed by `Recovered`.
        A reader that falls more than *buffer* events behind gets `SlowConsumer`: nothing is dropped in silence.
        """
        return self._runner.entered(self._twin.stream_account(buffer=buffer), Stream)
