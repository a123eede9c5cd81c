"""Hyperliquid's own: the questions of `rest`, more that the unified calls do not need, and any other by `call`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.plugin import Lane, Response
from lotusx_hyperliquid import account_types as types, actions, user_actions
from lotusx_hyperliquid.accounts import address
from lotusx_hyperliquid.actions import AnyL1Action
from lotusx_hyperliquid.numbers import USD_DECIMALS, scaled, wire
from lotusx_hyperliquid.rest import LIGHT, USUAL, Endpoints
from lotusx_hyperliquid.user_actions import AnyUserAction

if TYPE_CHECKING:
    from lotusx_hyperliquid.rest import Action

_decode_any = msgspec.json.Decoder(float_hook=Decimal).decode

_MONEY_OUT = (user_actions.Withdraw, user_actions.UsdSend, user_actions.SpotSend)


def _any(response: Response) -> Any:
    return _decode_any(response.body)


class HyperliquidNative(Endpoints):
    """Typed methods return the structures of `types`; the others Hyperliquid's JSON, numbers with a point as `Decimal`.

    A command is never sent twice; doubt is raised, not resolved.
    """

    async def call(
        self,
        verb: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        signed: bool = False,
        weight: int = USUAL,
        service: str | None = None,
    ) -> Any:
        """Send any question (``/info``) or action (``/exchange``), budgeted, and return its JSON.

        Args:
            verb: ``POST``.
            params: The body with its ``type``; of an action, the action alone: the rest is written by the signer.
                Prices, sizes and amounts are text.
            signed: True for actions, which cannot go out without.
            weight: Of a question; an action's is known.

        Raises:
            InvalidArgument: An action that is not known here, or lacks a field: what is signed must be known exactly.
            NotSupported: Money would leave the account, and the option ``allow_withdrawals`` is not set.
        """
        if verb.upper() != "POST" or path not in ("/info", "/exchange"):
            raise InvalidArgument(f"hyperliquid has POST /info and POST /exchange, not {verb} {path}", rule="path")
        body = dict(params or {})
        if path == "/info":
            kind = body.pop("type", None)
            if not isinstance(kind, str):
                raise InvalidArgument("a question needs its type, such as {'type': 'meta'}", rule="type")
            return await self.ask(kind, body, _any, weight)
        if not signed:
            raise InvalidArgument("actions are signed: write signed=True", rule="signed")
        return await self.do(_action(body))

    async def do(self, action: Action, *, lane: Lane = Lane.NORMAL) -> Any:
        """Sign and send any typed action; return the JSON of the answer.

        Raises:
            NotSupported: Money would leave the account, and the option ``allow_withdrawals`` is not set.
        """
        self._check_money_out(action)
        return await self._call(self.command(action, lane=lane), _any)

    async def act(self, action: Action, *, items: int = 1, lane: Lane = Lane.NORMAL) -> types.ActionReply:
        """Sign and send *action*, of so many *items*; return its answer, read.

        Raises:
            NotSupported: Money would leave the account, and the option ``allow_withdrawals`` is not set.
        """
        self._check_money_out(action)
        return await super().act(action, items=items, lane=lane)

    def _check_money_out(self, action: Action) -> None:
        out = isinstance(action, _MONEY_OUT)
        if isinstance(action, user_actions.SendAsset | actions.AgentSendAsset):
            out = action.destination != self.user
        if out and self._kernel.options.get("allow_withdrawals") is not True:
            what = "withdrawals and payments to others unless allow_withdrawals=True is configured"
            raise NotSupported("hyperliquid", what)

    # Questions

    async def predicted_fundings(self) -> Any:
        """``predictedFundings``, weight 20: of the first dex, with those of other exchanges."""
        return await self.ask("predictedFundings", {}, _any)

    async def meta(self, dex: str = "") -> Any:
        """``meta`` of one dex, weight 20: with margin tables."""
        return await self.ask("meta", {"dex": dex or None}, _any)

    async def ledger(self, start_ms: int, end_ms: int | None = None, user: str | None = None) -> Any:
        """``userNonFundingLedgerUpdates``, weight 20: deposits, withdrawals, transfers, liquidations; 500 at most."""
        params = {"user": user or self.user, "startTime": start_ms, "endTime": end_ms}
        return await self._rows("userNonFundingLedgerUpdates", params, _any)

    async def agents(self, user: str | None = None) -> Any:
        """``extraAgents``, weight 20: named agent wallets."""
        return await self.ask("extraAgents", {"user": user or self.user}, _any)

    async def sub_accounts(self, user: str | None = None) -> Any:
        """``subAccounts``, weight 20."""
        return await self.ask("subAccounts", {"user": user or self.user}, _any)

    async def vault_equities(self, user: str | None = None) -> Any:
        """``userVaultEquities``, weight 20."""
        return await self.ask("userVaultEquities", {"user": user or self.user}, _any)

    async def portfolio(self, user: str | None = None) -> Any:
        """``portfolio``, weight 20: value and profit over time."""
        return await self.ask("portfolio", {"user": user or self.user}, _any)

    async def perp_dex_status(self, dex: str) -> Any:
        """``perpDexStatus``, weight 20."""
        return await self.ask("perpDexStatus", {"dex": dex}, _any)

    async def full_exchange_status(self) -> Any:
        """``exchangeStatus``, weight 2, with its special statuses."""
        return await self.ask("exchangeStatus", {}, _any, LIGHT)

    # Commands

    async def usd_send(self, destination: str, amount: Decimal) -> Any:
        """``usdSend``: pay another account out of perpetuals USDC."""
        return await self.do(user_actions.UsdSend(_destination(destination), wire(amount, name="amount")))

    async def spot_send(self, destination: str, token: str, amount: Decimal) -> Any:
        """``spotSend``: pay another account a token, ``NAME:0x…``."""
        return await self.do(user_actions.SpotSend(_destination(destination), token, wire(amount, name="amount")))

    async def withdraw(self, destination: str, amount: Decimal) -> Any:
        """``withdraw3``: USDC to an address on Arbitrum; about 1 USD and 5 minutes."""
        return await self.do(user_actions.Withdraw(_destination(destination), wire(amount, name="amount")))

    async def vault_transfer(self, vault: str, amount: Decimal, *, deposit: bool) -> Any:
        """``vaultTransfer``: into a vault, or out of it."""
        usd = scaled(amount, USD_DECIMALS, name="amount")
        return await self.do(actions.VaultTransfer(address(vault, name="vault"), deposit, usd))

    async def sub_account_transfer(self, sub_account: str, amount: Decimal, *, deposit: bool) -> Any:
        """``subAccountTransfer``: perpetuals USDC to a sub-account, or back."""
        usd = scaled(amount, USD_DECIMALS, name="amount")
        return await self.do(actions.SubAccountTransfer(address(sub_account, name="sub_account"), deposit, usd))

    async def create_sub_account(self, name: str) -> Any:
        """``createSubAccount``."""
        return await self.do(actions.CreateSubAccount(name))

    async def approve_agent(self, agent: str, name: str = "") -> Any:
        """``approveAgent``: let a key trade for the account; one of the same name (or unnamed) is replaced."""
        return await self.do(user_actions.ApproveAgent(address(agent, name="agent"), name))

    async def update_leverage(self, asset: int, leverage: int, *, cross: bool) -> types.ActionReply:
        """``updateLeverage`` by the asset's number."""
        return await self.act(actions.UpdateLeverage(asset, cross, leverage))

    async def schedule_cancel(self, time_ms: int | None = None) -> types.ActionReply:
        """``scheduleCancel``: cancel everything at that time; ``None``: no more."""
        return await self.act(actions.ScheduleCancel(time_ms), lane=Lane.URGENT)

    async def set_abstraction(self, model: str) -> Any:
        """``userSetAbstraction``: choose the account model, such as ``unifiedAccount`` or ``disabled``."""
        return await self.do(user_actions.UserSetAbstraction(self.user, model))

    async def noop(self) -> Any:
        """``noop``: use up a nonce."""
        return await self.do(actions.Noop())


def _destination(text: str) -> str:
    return address(text, name="destination")


def _action(body: dict[str, Any]) -> Action:
    """Read an action; fields keep the order of the exchange, whatever order they were given in."""
    action: Action
    problem: msgspec.ValidationError | None = None
    for kind in (AnyL1Action, AnyUserAction):
        try:
            action = msgspec.convert(body, kind)
        except msgspec.ValidationError as error:
            if problem is None or "Invalid value" not in str(error):
                problem = error
        else:
            return action
    raise InvalidArgument(f"not an action that can be signed here: {problem}", rule="action") from problem
