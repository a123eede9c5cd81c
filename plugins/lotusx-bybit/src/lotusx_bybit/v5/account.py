"""Holdings, fees and permissions of the unified account, and its events."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.errors import ItemRejected
from lotusx.model import (
    AccountEvent,
    Balance,
    Deposit,
    Fees,
    Instrument,
    MarginMode,
    Permissions,
    Transfer,
    Withdrawal,
)
from lotusx.plugin import AccountPort, Channel, ChannelKind, Span
from lotusx_bybit.v5 import account_conversions as convert
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.codec import FILLS, ORDERS, POSITIONS, WALLET
from lotusx_bybit.v5.funds import Funds

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_bybit.v5.listed import Listed
    from lotusx_bybit.v5.rest import Endpoints


class V5Account(AccountPort):
    """What every product shows of the one wallet that serves all."""

    def __init__(self, kernel: Kernel, rest: Endpoints, listed: Listed) -> None:
        self._kernel = kernel
        self._rest = rest
        self._listed = listed
        self._funds = Funds(kernel, rest.quotas)
        self._margin_mode: MarginMode | None = None

    async def balances(self) -> Sequence[Balance]:
        """Return every coin of which anything is held, or bound.

        ``free`` is exact in isolated margin mode; in the others the limit is one sum in USD of the whole account, and
        ``free`` an estimate.
        """
        reply = await self._rest.wallets()
        balances = [
            convert.to_balance(coin, updated_ms=reply.time or 0)
            for wallet in reply.result.items
            for coin in wallet.coins
        ]
        return [balance for balance in balances if balance.total or balance.locked]

    async def fees(self, instrument: Instrument) -> Fees:
        rates = await self._rest.fee_rates(self._listed.category(instrument), instrument.venue_symbol)
        if len(rates) != 1:
            raise ItemRejected(f"{len(rates)} fee rates of {instrument.venue_symbol}", field="list")
        return convert.to_fees(rates[0], symbol=instrument.symbol)

    async def permissions(self) -> Permissions:
        info, document = await self._rest.key_info()
        return convert.to_permissions(info, document, spot=Category.SPOT in self._listed.categories)

    async def margin_mode(self) -> MarginMode:
        """Return the margin mode of the account, which positions do not state."""
        self._margin_mode = convert.margin_mode_of((await self._rest.account_info()).marginMode)
        return self._margin_mode

    async def deposits(self, asset: str | None, span: Span) -> Sequence[Deposit]:
        return await self._funds.deposits(asset, span)

    async def withdrawals(self, asset: str | None, span: Span) -> Sequence[Withdrawal]:
        return await self._funds.withdrawals(asset, span)

    async def transfer(self, asset: str, amount: Decimal, source: str, target: str, transfer_id: str) -> Transfer:
        return await self._funds.transfer(asset, amount, source, target, transfer_id)

    def transfer_look_up(self, source: str, target: str, transfer_id: str) -> str:
        return (
            "native.call('GET', '/v5/asset/transfer/query-inter-transfer-list', "
            f"{{'transferId': '{transfer_id}'}}, signed=True)"
        )

    def channels(self) -> Sequence[Channel[AccountEvent]]:
        """Return orders, fills, what is held and, but on spot, positions."""
        listed = self._listed

        def orders(message: bytes, received_ns: int) -> Sequence[AccountEvent]:
            return convert.to_order_events(
                message,
                received_ns,
                categories=listed.categories,
                symbol_of=listed.symbol_of,
                step_of=listed.step_of,
            )

        def fills(message: bytes, received_ns: int) -> Sequence[AccountEvent]:
            return convert.to_fill_events(
                message, received_ns, categories=listed.categories, symbol_of=listed.symbol_of
            )

        def positions(message: bytes, received_ns: int) -> Sequence[AccountEvent]:
            return convert.to_position_events(
                message,
                received_ns,
                categories=listed.categories,
                symbol_of=listed.symbol_of,
                margin_mode=self._margin_mode,
            )

        readers = {ORDERS: orders, FILLS: fills, POSITIONS: positions, WALLET: convert.to_balance_events}
        if listed.categories == (Category.SPOT,):
            del readers[POSITIONS]
        return [Channel("account", key, ChannelKind.ACCOUNT, read, private=True) for key, read in readers.items()]
