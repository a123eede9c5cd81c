"""Holdings and settings of one account, and its events."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import msgspec

from lotusx.errors import InvalidArgument, ItemRejected, NotSupported
from lotusx.model import (
    AccountEvent,
    Balance,
    Deposit,
    Fees,
    FundingPayment,
    FundsStatus,
    Instrument,
    InstrumentKind,
    Leverage,
    MarginMode,
    Permissions,
    Position,
    Symbol,
    Transfer,
    Withdrawal,
    decimal_from_wire,
)
from lotusx.plugin import AccountPort, Channel, ChannelKind, ItemDropped, Page, Span
from lotusx_hyperliquid import actions, order_conversions as convert
from lotusx_hyperliquid.account_events import AccountReader
from lotusx_hyperliquid.assets import dex_of
from lotusx_hyperliquid.connector.listed import Listed, require_perpetual
from lotusx_hyperliquid.connector.market_data import FUNDINGS_PER_PAGE
from lotusx_hyperliquid.connector.paging import next_begin
from lotusx_hyperliquid.conversions import first_ms, last_ms
from lotusx_hyperliquid.ledger import to_deposit, to_withdrawal
from lotusx_hyperliquid.numbers import USD_DECIMALS, scaled
from lotusx_hyperliquid.transfers import transfer_action

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_hyperliquid.account_types import LedgerEntry, LeverageSetting
    from lotusx_hyperliquid.cloids import Cloids
    from lotusx_hyperliquid.rest import Endpoints
    from lotusx_hyperliquid.signer import HyperliquidSigner
    from lotusx_hyperliquid.triggers import WaitingTriggers

logger = logging.getLogger("lotusx.hyperliquid")

UNIFIED = frozenset({"unifiedAccount", "portfolioMargin"})
"""Account models in which all balances are in the spot state, and what a dex states as its own means nothing."""
CLASSIC = frozenset({"disabled", "default", "dexAbstraction"})
"""Account models in which each dex holds money of its own. Of a word that is in neither set nothing is concluded."""
CLOCKS_APART_NS = 2_000_000_000
"""How far before now an event may be dated and yet be one that a new subscription has to tell."""
LEDGER_PER_PAGE = 500
_SPOT_STATE = "spotState"
_FIRST_FUNDING_MS = 1_672_531_200_000  # 2023-01-01: before the exchange


class HyperliquidAccount(AccountPort):
    """One account: the configured one, never an agent wallet's."""

    def __init__(
        self, kernel: Kernel, rest: Endpoints, listed: Listed, cloids: Cloids, triggers: WaitingTriggers
    ) -> None:
        self._kernel = kernel
        self._rest = rest
        self._listed = listed
        self._cloids = cloids
        self._triggers = triggers
        self._is_unified: bool | None = None

    async def prepare(self) -> None:
        """Learn the account model, without which a dex's statement of margin cannot be read."""
        model = await self._model()
        if self._is_unified is None:
            self._drop(
                "userAbstraction", f"what perpetuals hold was left out: the account model {model!r} is not known"
            )

    async def _model(self) -> str:
        model = await self._rest.user_abstraction()
        self._is_unified = model in UNIFIED if model in UNIFIED | CLASSIC else None
        return model

    async def balances(self) -> Sequence[Balance]:
        """Return what lies in ``spot``, and in the classic account model also in ``perp`` and ``perp:xyz``.

        Profit and loss of open positions are part of a perp wallet's total. Without holdings, a wallet has no entry.

        Raises:
            NotSupported: The account model is not known. What is left out of this list counts as empty, and nobody can
                say whether what a dex states as its own is money of its own.
        """
        model = await self._model()
        if self._is_unified is None:
            raise NotSupported(
                self._kernel.facts.name,
                f"balances of an account whose model ({model!r}) this version of LotusX does not know",
                "an update of lotusx-hyperliquid, or native.call of spotClearinghouseState and clearinghouseState",
            )
        spot = await self._rest.spot_state()
        await self._listed.ensure()
        found = [
            convert.to_spot_balance(item, asset=self._listed.token_name(item.token, item.coin))
            for item in spot.balances
        ]
        if not self._is_unified:
            for dex in self._listed.all_dexes:
                state = await self._rest.clearinghouse_state(dex)
                found.append(convert.to_margin_balance(state, asset=self._listed.collateral(dex), dex=dex))
        return [balance for balance in found if balance.total or balance.locked]

    async def positions(self) -> Sequence[Position]:
        """Return open positions of all dexes on which anything trades.

        One of a perpetual that is not listed is left out, counted and logged.
        """
        found = []
        for dex in self._listed.dexes:
            state = await self._rest.clearinghouse_state(dex)
            for item in state.assetPositions:
                try:
                    symbol = self._symbol_of(item.position.coin)
                    found.append(convert.to_position(item.position, symbol=symbol, updated_ms=state.time))
                except ItemRejected as error:
                    self._drop("clearinghouseState", f"the position in {item.position.coin} was left out: {error}")
        return found

    def _drop(self, key: str, reason: str) -> None:
        exchange = self._kernel.facts.name
        logger.warning("%s: %s", exchange, reason)
        self._kernel.telemetry.emit(ItemDropped(exchange, key, reason))

    def _symbol_of(self, coin: str) -> Symbol:
        return self._kernel.instruments.by_venue_symbol(coin).symbol

    async def fees(self, instrument: Instrument) -> Fees:
        """Return the account's rates, discounts included.

        Raises:
            NotSupported: On a builder's dex, whose deployer takes a share that is not part of this answer.
        """
        if dex_of(instrument.venue_symbol) and instrument.kind is InstrumentKind.LINEAR:
            raise NotSupported(
                "hyperliquid", f"fee rates of the builder-deployed {instrument.symbol}", "the fee of each fill"
            )
        rates = await self._rest.user_fees()
        spot = instrument.kind is InstrumentKind.SPOT
        return Fees(
            instrument.symbol,
            maker=decimal_from_wire(rates.userSpotAddRate if spot else rates.userAddRate, field="add rate"),
            taker=decimal_from_wire(rates.userSpotCrossRate if spot else rates.userCrossRate, field="cross rate"),
        )

    async def permissions(self) -> Permissions:
        """Return what the configured key may do: an agent wallet trades, but moves no money out.

        An address alone reads. A key whose address the exchange does not know as an account or as this account's agent
        can do nothing.
        """
        signer = cast("HyperliquidSigner | None", self._kernel.signer)
        if signer is None:
            return Permissions(read=True, trade=False, withdraw=False, ip_restricted=False)
        role = await self._rest.user_role(signer.address)
        raw: dict[str, object] = {"role": role.role, "data": role.data}
        if signer.is_agent:
            master = (role.data or {}).get("user", "").lower()
            trade = role.role == "agent" and master == signer.account
            return Permissions(read=True, trade=trade, withdraw=False, ip_restricted=False, raw=raw)
        known = role.role in ("user", "vault", "subAccount")
        return Permissions(read=True, trade=known, withdraw=known, ip_restricted=False, raw=raw)

    # Leverage and margin

    async def _setting(self, instrument: Instrument) -> LeverageSetting:
        require_perpetual(instrument, "leverage")
        return (await self._rest.active_asset_data(instrument.venue_symbol)).leverage

    async def leverage(self, instrument: Instrument) -> Leverage:
        setting = await self._setting(instrument)
        highest = instrument.raw.get("maxLeverage")
        return Leverage(
            instrument.symbol,
            Decimal(setting.value),
            convert.to_margin_mode(setting.type),
            None if highest is None else Decimal(highest),
        )

    async def set_leverage(self, instrument: Instrument, leverage: Decimal) -> None:
        """Set the leverage, and keep the margin mode, which goes out in the same action.

        Raises:
            NotSupported: The mode is one that is not known here: nothing was sent.
        """
        if leverage != leverage.to_integral_value():
            raise InvalidArgument(f"leverage is a whole number at hyperliquid, not {leverage}", rule="leverage")
        setting = await self._setting(instrument)
        mode = convert.to_margin_mode(setting.type)
        if mode is MarginMode.UNKNOWN:
            raise NotSupported(
                "hyperliquid", f"keeping the margin mode {setting.type!r}", "set_margin_mode, then set_leverage"
            )
        await self._set(instrument, is_cross=mode is MarginMode.CROSS, leverage=int(leverage))

    async def set_margin_mode(self, instrument: Instrument, mode: MarginMode) -> None:
        """Set the margin mode, and keep the leverage, which goes out in the same action."""
        setting = await self._setting(instrument)
        await self._set(instrument, is_cross=mode is MarginMode.CROSS, leverage=setting.value)

    async def _set(self, instrument: Instrument, *, is_cross: bool, leverage: int) -> None:
        await self._rest.act(actions.UpdateLeverage(self._listed.asset(instrument), is_cross, leverage))

    async def change_margin(self, instrument: Instrument, amount: Decimal) -> None:
        require_perpetual(instrument, "isolated margin")
        millionths = scaled(amount, USD_DECIMALS, name="amount")
        asset = self._listed.asset(instrument)
        await self._rest.act(actions.UpdateIsolatedMargin(asset, isBuy=True, ntli=millionths))

    async def deposits(self, asset: str | None, span: Span) -> Sequence[Deposit]:
        """Return USDC that came over the bridge."""
        rows = await self._ledger(span)
        return [to_deposit(row) for row in rows if row.delta.type == "deposit" and asset in (None, "USDC")]

    async def withdrawals(self, asset: str | None, span: Span) -> Sequence[Withdrawal]:
        """Return USDC that left over the bridge."""
        rows = await self._ledger(span)
        return [to_withdrawal(row) for row in rows if row.delta.type == "withdraw" and asset in (None, "USDC")]

    async def _ledger(self, span: Span) -> list[LedgerEntry]:
        """Read the pages of *span*: each begins with the millisecond that the one before it ended with.

        Raises:
            MalformedReply: A page is full of one millisecond.
        """
        begin = first_ms(span) or 0
        found: dict[bytes, LedgerEntry] = {}
        while True:
            rows = await self._rest.user_ledger(begin, last_ms(span))
            found.update((msgspec.json.encode(row), row) for row in rows)
            if len(rows) < LEDGER_PER_PAGE:
                return list(found.values())
            begin = next_begin(rows[-1].time, begin, len(rows), "ledger entries")

    async def transfer(self, asset: str, amount: Decimal, source: str, target: str, transfer_id: str) -> Transfer:
        """Move between wallets: ``spot``, ``perp``, ``perp:<dex>``, ``vault:<address>`` and ``sub:<address>``.

        No id goes along, and none comes back.

        Raises:
            NotSupported: There is no way between these two.
            CredentialsError: The way is the account's own, and the key is an agent wallet's.
        """
        await self._listed.ensure()
        token = self._listed.token(asset)
        if token is None:
            raise InvalidArgument(f"hyperliquid has no token {asset!r}", rule="asset")
        signer = cast("HyperliquidSigner", self._kernel.signer)
        action = transfer_action(
            token, amount, source, target, account=signer.account, user=signer.user, is_agent=signer.is_agent
        )
        await self._rest.act(action)
        return Transfer("", asset, amount, str(source), str(target), FundsStatus.COMPLETED)

    def transfer_look_up(self, source: str, target: str, transfer_id: str) -> str:
        return "native.ledger(start_ms), whose rows have no ids: the time and the amount tell"

    async def funding_payments_page(
        self, instrument: Instrument | None, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingPayment]:
        """One page of ``userFunding``; the cursor is its first millisecond (whose payments repeat).

        Raises:
            MalformedReply: The page is full of one millisecond.
        """
        begin = first_ms(span) if cursor is None else int(cursor)
        if begin is None:
            begin = _FIRST_FUNDING_MS
        rows = await self._rest.user_funding(begin, last_ms(span))
        if instrument is None:
            await self._kernel.instruments.refresh_if_unlisted({row.delta.coin for row in rows})
        payments = []
        for row in rows:
            if instrument is not None and row.delta.coin != instrument.venue_symbol:
                continue
            try:
                symbol = self._symbol_of(row.delta.coin)
            except ItemRejected as error:
                self._drop("userFunding", f"a payment of {row.delta.coin} was left out: {error}")
                continue
            payments.append(convert.to_payment(row.delta, symbol=symbol, asset=str(symbol.settle), time_ms=row.time))
        following = None
        if len(rows) >= FUNDINGS_PER_PAGE:
            following = str(next_begin(rows[-1].time, begin, len(rows), "funding payments"))
        return Page(payments, following)

    # Events

    def channels(self) -> Sequence[Channel[AccountEvent]]:
        """Return the channels: orders, fills, funding, other events, spot, and each dex on which anything trades."""
        reader = self._reader()
        readers = {
            "orderUpdates": reader.orders,
            "userFills": reader.fills,
            "userFundings": reader.fundings,
            "userEvents": reader.others,
        }
        channels = [Channel("account", key, ChannelKind.ACCOUNT, read, private=True) for key, read in readers.items()]
        channels.append(self._holdings_channel(_SPOT_STATE, self._reader()))
        for dex in self._listed.dexes:
            channels.append(self._holdings_channel(f"clearinghouseState {dex}".rstrip(), self._reader()))
        return channels

    def _reader(self) -> AccountReader:
        return AccountReader(
            self._symbol_of,
            self._cloids.ours,
            self._triggers,
            self._listed.collateral,
            self._listed.token_name,
            since_ns=self._kernel.exchange_ns() - CLOCKS_APART_NS,
            is_unified=self._is_unified,
        )

    def _holdings_channel(self, key: str, reader: AccountReader) -> Channel[AccountEvent]:
        """Make a channel whose *reader* remembers what was held, to tell what is gone."""
        return Channel(
            "account",
            key,
            ChannelKind.ACCOUNT,
            reader.spot if key == _SPOT_STATE else reader.perps,
            private=True,
            lost=reader.forget,
            another=lambda: self._holdings_channel(key, reader.twin()),
        )
