"""The actions that move money: between wallets of one address, to others, to vaults, and away."""

from decimal import Decimal, InvalidOperation
from typing import Any

from lotusx_sim.dialects.hyperliquid.accounts import Member
from lotusx_sim.dialects.hyperliquid.deed import DEFAULT, Deed
from lotusx_sim.dialects.hyperliquid.errors import ActionError, HttpError, bad_body
from lotusx_sim.dialects.hyperliquid.markets import USDC_NAME
from lotusx_sim.dialects.hyperliquid.numbers import shown, usd
from lotusx_sim.dialects.hyperliquid.schema import address, number
from lotusx_sim.dialects.hyperliquid.state import SPOT
from lotusx_sim.engine.orders import Refused

_USD = Decimal("1e-6")
_WITHDRAWAL_FEE = Decimal(1)
_SUB_ACCOUNT = " subaccount:"


def _amount(value: str) -> Decimal:
    try:
        amount = Decimal(number(value))
    except (HttpError, InvalidOperation):
        raise bad_body() from None
    if amount <= 0:
        raise ActionError("Invalid amount.")  # wording not known
    return amount


def _send(deed: Deed, payer: str, payee: str, asset: str, amount: Decimal, purpose: str) -> None:
    if payer == payee:
        raise ActionError(f"Nothing to move for {purpose}.")  # unified balances; wording not known
    try:
        deed.state.exchange.send(payer, payee, asset, amount, deed.now_ns)
    except Refused:
        raise ActionError(f"Insufficient balance for {purpose}.") from None


def _destination(deed: Deed, value: str) -> Member:
    """Return the address that receives; one nobody has seen yet comes into being."""
    who = address(value)
    registry = deed.state.registry
    member = registry.members.get(who)
    if member is None:
        member = registry.add(who, who)
        deed.state.open_wallets(member, {})
    return member


def _token(deed: Deed, value: str) -> str:
    """Return the name of a token given as ``NAME:tokenId`` or, in ``sendAsset``, by name."""
    name, _, token_id = value.partition(":")
    token = deed.state.universe.tokens.get(name)
    if token is None or (token_id and token_id.lower() != token.token_id):
        raise ActionError("Unknown token.")  # wording not known
    return name


def usd_class_transfer(deed: Deed) -> Any:
    text, _, sub = deed.action["amount"].partition(_SUB_ACCOUNT)
    user = _sub_account(deed, sub).address if sub else deed.owner.address
    amount, to_perp = _amount(text), deed.action["toPerp"]
    spot, perp = deed.state.wallet(user, SPOT), deed.state.wallet(user, "")
    payer, payee = (spot, perp) if to_perp else (perp, spot)
    _send(deed, payer, payee, USDC_NAME, amount, "class transfer")
    deed.state.note(user, {"type": "accountClassTransfer", "usdc": usd(amount), "toPerp": to_perp}, deed.now_ns)
    return DEFAULT


def usd_send(deed: Deed) -> Any:
    amount, member = _amount(deed.action["amount"]), _destination(deed, deed.action["destination"])
    source, target = deed.owner.address, member.address
    _send(deed, deed.state.wallet(source, ""), deed.state.wallet(target, ""), USDC_NAME, amount, "transfer")
    delta = {"type": "internalTransfer", "usdc": usd(amount), "user": source, "destination": target, "fee": "0.0"}
    for user in (source, target):
        deed.state.note(user, delta, deed.now_ns)
    return DEFAULT


def spot_send(deed: Deed) -> Any:
    token, amount = _token(deed, deed.action["token"]), _amount(deed.action["amount"])
    source, target = deed.owner.address, _destination(deed, deed.action["destination"]).address
    _send(deed, deed.state.wallet(source, SPOT), deed.state.wallet(target, SPOT), token, amount, "transfer")
    delta = {"type": "spotTransfer", "token": token, "amount": shown(amount), "user": source, "destination": target,
             "fee": "0.0"}  # fmt: skip
    for user in (source, target):
        deed.state.note(user, delta, deed.now_ns)
    return DEFAULT


def send_asset(deed: Deed) -> Any:
    action, state = deed.action, deed.state
    token, amount = _token(deed, action["token"]), _amount(action["amount"])
    sub = action["fromSubAccount"]
    source = _sub_account(deed, sub).address if sub else deed.owner.address
    target = _destination(deed, action["destination"]).address
    payer, payee = (state.wallet(who, _dex(deed, action[dex]))
                    for who, dex in ((source, "sourceDex"), (target, "destinationDex")))  # fmt: skip
    _send(deed, payer, payee, token, amount, "transfer")
    delta = {"type": "send", "token": token, "amount": shown(amount), "user": source, "destination": target,
             "sourceDex": action["sourceDex"], "destinationDex": action["destinationDex"]}  # fmt: skip
    for user in dict.fromkeys((source, target)):
        state.note(user, delta, deed.now_ns)
    return DEFAULT


def _dex(deed: Deed, name: str) -> str:
    if name != SPOT and name not in deed.state.universe.dexes:
        raise ActionError("Unknown dex.")  # wording not known
    return name


def withdraw(deed: Deed) -> Any:
    """Take money off the exchange; the bridge's fee is part of the amount."""
    amount, user = _amount(deed.action["amount"]), deed.owner.address
    address(deed.action["destination"])
    if amount <= _WITHDRAWAL_FEE:
        raise ActionError("Insufficient balance for withdrawal.")
    wallet = deed.state.wallet(user, "")
    try:
        deed.state.exchange.transfer(wallet, USDC_NAME, -amount, deed.now_ns)
    except Refused:
        raise ActionError("Insufficient balance for withdrawal.") from None
    deed.state.leaving[(wallet, amount)] = {
        "type": "withdraw",
        "usdc": usd(amount - _WITHDRAWAL_FEE),
        "nonce": deed.action["time"],
        "fee": usd(_WITHDRAWAL_FEE),
    }
    return DEFAULT


# -- sub-accounts and vaults -------------------------------------------------------------------------------------


def _sub_account(deed: Deed, value: str) -> Member:
    member = deed.state.registry.members.get(value.lower())
    if member is None or member.master != deed.owner.address or member.is_vault:
        raise ActionError("Sub-account not found.")  # wording not known
    return member


def _with_sub(deed: Deed, kind: str, asset: str, amount: Decimal, delta: dict[str, Any]) -> Any:
    sub = _sub_account(deed, deed.action["subAccountUser"])
    pair = deed.state.wallet(deed.owner.address, kind), deed.state.wallet(sub.address, kind)
    payer, payee = pair if deed.action["isDeposit"] else pair[::-1]
    _send(deed, payer, payee, asset, amount, "sub-account transfer")
    for user in (deed.owner.address, sub.address):
        deed.state.note(user, delta, deed.now_ns)
    return DEFAULT


def sub_account_transfer(deed: Deed) -> Any:
    amount = deed.action["usd"] * _USD
    delta = {"type": "subAccountTransfer", "usdc": usd(amount), "user": deed.owner.address,
            "destination": deed.action["subAccountUser"]}  # fmt: skip
    return _with_sub(deed, "", USDC_NAME, amount, delta)


def sub_account_spot_transfer(deed: Deed) -> Any:
    token, amount = _token(deed, deed.action["token"]), _amount(deed.action["amount"])
    delta = {"type": "spotTransfer", "token": token, "amount": shown(amount), "user": deed.owner.address,
            "destination": deed.action["subAccountUser"], "fee": "0.0"}  # fmt: skip
    return _with_sub(deed, SPOT, token, amount, delta)


def vault_transfer(deed: Deed) -> Any:
    """Deposit into a vault, or take back what was deposited; profits of a vault are not shared out here."""
    vault = deed.state.registry.members.get(deed.action["vaultAddress"])
    if vault is None or not vault.is_vault:
        raise ActionError(f"Vault not registered: {deed.action['vaultAddress']}")
    amount, user = deed.action["usd"] * _USD, deed.user
    deposited = vault.deposits.get(user, Decimal(0))
    pair = deed.state.wallet(user, ""), deed.state.wallet(vault.address, "")
    if deed.action["isDeposit"]:
        _send(deed, *pair, USDC_NAME, amount, "vault deposit")
        kind, vault.deposits[user] = "vaultDeposit", deposited + amount
    elif amount > deposited:
        raise ActionError("Insufficient balance for vault withdrawal.")
    else:
        _send(deed, *pair[::-1], USDC_NAME, amount, "vault withdrawal")
        kind, vault.deposits[user] = "vaultWithdraw", deposited - amount
    deed.state.note(user, {"type": kind, "vault": vault.address, "usdc": usd(amount)}, deed.now_ns)
    return DEFAULT
