"""Money that enters and leaves an exchange, and moves between the wallets of one owner. Nothing appears or vanishes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING

from lotusx_sim.engine.orders import ZERO

if TYPE_CHECKING:
    from lotusx_sim.engine.exchange import Exchange

_FIRST_ID = 10_000_001


@dataclass(frozen=True, slots=True)
class Movement:
    """A deposit or a withdrawal; it is complete. ``fee`` was taken in addition to ``amount``."""

    id: int
    account: str
    asset: str
    amount: Decimal
    ns: int
    network: str
    address: str
    tag: str = ""
    fee: Decimal = ZERO
    client_id: str = ""

    @property
    def tx_id(self) -> str:
        return "0x" + sha256(f"movement {self.id}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Shift:
    """A transfer between two wallets of one owner, by the venue's names of them; it is complete."""

    id: int
    client_id: str
    account: str
    asset: str
    amount: Decimal
    source: str
    target: str
    ns: int


class Funds:
    """What came, what went, and what was moved, oldest first."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._ids = count(_FIRST_ID)
        self.deposits: list[Movement] = []
        self.withdrawals: list[Movement] = []
        self.shifts: list[Shift] = []

    def purse(self, account: str, wallet: str) -> str:
        """Return the engine's name of another wallet of *account*'s owner; it comes into being when first named."""
        name = f"{account}/{wallet}"
        if not self._exchange.accounts.has(name):
            self._exchange.open_account(name, {}, watched=False)
        return name

    def deposit(self, account: str, asset: str, amount: Decimal, now_ns: int) -> Movement:
        """Credit *amount* (above 0)."""
        self._exchange.transfer(account, asset, amount, now_ns)
        address = "0x" + sha256(f"address of {account}".encode()).hexdigest()[:40]
        made = Movement(next(self._ids), account, asset, amount, now_ns, "ETH", address)
        self.deposits.append(made)
        return made

    def withdraw(
        self,
        account: str,
        asset: str,
        amount: Decimal,
        now_ns: int,
        *,
        payer: str | None = None,
        fee: Decimal = ZERO,
        network: str = "ETH",
        address: str = "",
        tag: str = "",
        client_id: str = "",
    ) -> Movement:
        """Let *amount* (above 0) and *fee* go, out of *payer*'s wallet if that is another one.

        Raises:
            Refused: There is less to spend.
        """
        self._exchange.transfer(payer or account, asset, -(amount + fee), now_ns)
        made = Movement(next(self._ids), account, asset, amount, now_ns, network, address, tag, fee, client_id)
        self.withdrawals.append(made)
        return made

    def shift(
        self, account: str, asset: str, amount: Decimal, source: str, target: str, own: str, now_ns: int, name: str = ""
    ) -> Shift:
        """Move *amount* (above 0) from wallet *source* to *target*, of which *own* is the one that trades here.

        Raises:
            Refused: There is less to spend.
        """
        payer, payee = (account if wallet == own else self.purse(account, wallet) for wallet in (source, target))
        self._exchange.send(payer, payee, asset, amount, now_ns)
        made = Shift(next(self._ids), name, account, asset, amount, source, target, now_ns)
        self.shifts.append(made)
        return made
