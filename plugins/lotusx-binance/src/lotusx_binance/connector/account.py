"""Holdings, fees and permissions of one spot account, and its events."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.errors import NotSupported
from lotusx.model import AccountEvent, Balance, Deposit, Fees, Instrument, Permissions, Symbol, Transfer, Withdrawal
from lotusx.plugin import AccountPort, Channel, ChannelKind, Span
from lotusx_binance import order_conversions as convert
from lotusx_binance.codec import ACCOUNT_KEY
from lotusx_binance.funds import Funds

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_binance.rest import Endpoints


class SpotAccount(AccountPort):
    """One spot account."""

    def __init__(self, kernel: Kernel, rest: Endpoints) -> None:
        self._kernel = kernel
        self._rest = rest
        self._funds = Funds(kernel)

    async def balances(self) -> Sequence[Balance]:
        """Return every asset of which anything is held."""
        account = await self._rest.account()
        return [
            convert.to_balance(item.asset, item.free, item.locked, updated_ms=account.updateTime)
            for item in account.balances
        ]

    async def fees(self, instrument: Instrument) -> Fees:
        """Return standard, special and tax rates added up, before any discount for paying in BNB."""
        rates = await self._rest.commission(instrument.venue_symbol)
        parts = {
            "standard": rates.standardCommission,
            "special": rates.specialCommission,
            "tax": rates.taxCommission,
        }
        return Fees(
            instrument.symbol,
            maker=convert.commission_rate(parts, "maker"),
            taker=convert.commission_rate(parts, "taker"),
        )

    async def permissions(self) -> Permissions:
        """Return what the key may do.

        Raises:
            NotSupported: This environment has no ``/sapi``.
        """
        if "sapi" not in self._kernel.urls:
            raise NotSupported("binance", "permissions in this environment", "native.account().canTrade")
        known, raw = await self._rest.api_restrictions()
        return Permissions(
            read=known.enableReading,
            trade=known.enableSpotAndMarginTrading,
            withdraw=known.enableWithdrawals,
            ip_restricted=known.ipRestrict,
            raw=raw,
        )

    async def deposits(self, asset: str | None, span: Span) -> Sequence[Deposit]:
        return await self._funds.deposits(asset, span)

    async def withdrawals(self, asset: str | None, span: Span) -> Sequence[Withdrawal]:
        return await self._funds.withdrawals(asset, span)

    async def transfer(self, asset: str, amount: Decimal, source: str, target: str, transfer_id: str) -> Transfer:
        return await self._funds.transfer(asset, amount, source, target, transfer_id)

    def transfer_look_up(self, source: str, target: str, transfer_id: str) -> str:
        return self._funds.look_up(source, target)

    def channels(self) -> Sequence[Channel[AccountEvent]]:
        """Return the one channel that carries orders, fills and balances."""

        def symbol_of(venue_symbol: str) -> Symbol:
            return self._kernel.instruments.by_venue_symbol(venue_symbol).symbol

        def read(message: bytes, received_ns: int) -> Sequence[AccountEvent]:
            return convert.to_account_events(message, received_ns, symbol_of)

        return (Channel("api", ACCOUNT_KEY, ChannelKind.ACCOUNT, read, private=True),)
