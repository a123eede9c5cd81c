"""Who owns what: free and locked amounts, exact, and nothing appears or vanishes."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from lotusx_sim.engine.orders import ZERO


class Overdrawn(Exception):
    """More was asked of a balance than it holds: the engine reserved too little. Nothing was moved."""


@dataclass(slots=True)
class Balance:
    free: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


class Accounts:
    """All accounts of one exchange, the venue's own fee account included."""

    def __init__(self) -> None:
        self._balances: dict[str, dict[str, Balance]] = {}

    def open(self, account: str, balances: Mapping[str, Decimal]) -> None:
        """Open *account* with free *balances*; opening it again adds to them."""
        owned = self._balances.setdefault(account, {})
        for asset, amount in balances.items():
            owned.setdefault(asset, Balance()).free += amount

    def names(self) -> list[str]:
        return list(self._balances)

    def has(self, account: str) -> bool:
        return account in self._balances

    def balance(self, account: str, asset: str) -> Balance:
        return self._balances[account].setdefault(asset, Balance())

    def balances(self, account: str) -> dict[str, Balance]:
        return dict(sorted(self._balances[account].items()))

    def total(self, asset: str) -> Decimal:
        """Return what all accounts together own of *asset*."""
        return sum((owned[asset].total for owned in self._balances.values() if asset in owned), ZERO)

    def unlock(self, account: str, asset: str, amount: Decimal) -> None:
        """Move *amount* from locked to free.

        Raises:
            Overdrawn: Less is locked.
        """
        balance = self.balance(account, asset)
        if amount > balance.locked:
            raise Overdrawn(f"{account} has {balance.locked} {asset} locked, of which {amount} cannot be freed")
        balance.locked -= amount
        balance.free += amount

    def set_aside(self, account: str, asset: str, amount: Decimal) -> None:
        """Move *amount* from free to locked, or back when negative; free may fall below 0 in a margin account."""
        balance = self.balance(account, asset)
        balance.free -= amount
        balance.locked += amount

    def owe(self, payer: str, payee: str, asset: str, amount: Decimal) -> None:
        """Move *amount* between free balances, whatever the payer has: margin accounts may owe."""
        self.balance(payer, asset).free -= amount
        self.balance(payee, asset).free += amount

    def pay(self, payer: str, payee: str, asset: str, amount: Decimal, *, from_locked: bool) -> None:
        """Move *amount* from *payer* to the free balance of *payee*.

        A rebate is a negative amount: the venue's fee account may owe what it gives away.

        Raises:
            Overdrawn: The payer has less.
        """
        source = self.balance(payer, asset)
        held = source.locked if from_locked else source.free
        if amount > held:
            raise Overdrawn(f"{payer} has {held} {asset} {'locked' if from_locked else 'free'} and cannot pay {amount}")
        if from_locked:
            source.locked -= amount
        else:
            source.free -= amount
        self.balance(payee, asset).free += amount
