"""Pure: moving money between the wallets of one account, as the action that does it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.errors import InvalidArgument, NotSupported
from lotusx_hyperliquid import actions, user_actions
from lotusx_hyperliquid.accounts import address
from lotusx_hyperliquid.numbers import USD_DECIMALS, scaled, wire
from lotusx_hyperliquid.order_conversions import PERP_WALLET, SPOT_WALLET

if TYPE_CHECKING:
    from lotusx_hyperliquid.assets import Token
    from lotusx_hyperliquid.rest import Action

USDC = 0
"""Index of the token that the first dex is margined in."""

_EXCHANGE = "hyperliquid"
_FORMS = "spot, perp, perp:<dex>, vault:<address> or sub:<address>"


def transfer_action(
    token: Token, amount: Decimal, source: str, target: str, *, account: str, user: str, is_agent: bool
) -> Action:
    """Write the transfer of *amount* of *token* from one wallet to another.

    Args:
        account: The account that owns the key, or has approved it.
        user: Whose wallets they are: the account, or the sub-account or vault that is acted for.
        is_agent: Whether the key is an agent wallet's, which has actions of its own.

    Raises:
        NotSupported: There is no way between these two.
        InvalidArgument: A wallet's name is of no known form, or both are the same.
    """
    if source == target:
        raise InvalidArgument(f"source and target are both {source!r}", rule="wallet")
    for place, other, is_deposit in ((target, source, True), (source, target, False)):
        kind, _, name = place.partition(":")
        if kind in ("vault", "sub") and user != account:  # these actions are the account's own, and move its money
            raise NotSupported(
                _EXCHANGE, f"a transfer between {source} and {target} while vault_address is set",
                "a connection without vault_address, whose wallets are the account's",
            )  # fmt: skip
        if kind == "vault":
            if other != PERP_WALLET or token.index != USDC:
                raise NotSupported(_EXCHANGE, f"{token.name} between {source} and {target}", "USDC of perp")
            usd = scaled(amount, USD_DECIMALS, name="amount")
            return actions.VaultTransfer(address(name, name="vault"), is_deposit, usd)
        if kind == "sub":
            return _to_sub_account(token, amount, other, address(name, name="sub"), is_deposit=is_deposit)
    dexes = (_dex(source), _dex(target))
    if is_agent:
        if user != account:
            raise NotSupported(_EXCHANGE, "transfers of a sub-account with an agent wallet's key", "the account's key")
        text = wire(amount, name="amount")
        return actions.AgentSendAsset(account, *dexes, token.wire, text, fromSubAccount="", nonce=0)
    text = wire(amount, name="amount")
    if {source, target} == {SPOT_WALLET, PERP_WALLET} and token.index == USDC:
        if user != account:
            text += f" subaccount:{user}"
        return user_actions.UsdClassTransfer(text, toPerp=target == PERP_WALLET)
    return user_actions.SendAsset(user, *dexes, token.wire, text, fromSubAccount="" if user == account else user)


def _to_sub_account(token: Token, amount: Decimal, wallet: str, sub: str, *, is_deposit: bool) -> Action:
    if wallet == PERP_WALLET and token.index == USDC:
        return actions.SubAccountTransfer(sub, is_deposit, scaled(amount, USD_DECIMALS, name="amount"))
    if wallet == SPOT_WALLET:
        return actions.SubAccountSpotTransfer(sub, is_deposit, token.wire, wire(amount, name="amount"))
    raise NotSupported(_EXCHANGE, f"{token.name} between {wallet} and a sub-account", "USDC of perp, or spot")


def _dex(wallet: str) -> str:
    """Return how transfers name a wallet."""
    kind, colon, dex = wallet.partition(":")
    if wallet in (SPOT_WALLET, PERP_WALLET):
        return SPOT_WALLET if wallet == SPOT_WALLET else ""
    if kind == PERP_WALLET and colon and dex:
        return dex
    raise InvalidArgument(f"{wallet!r} is no wallet of hyperliquid; write {_FORMS}", rule="wallet")
