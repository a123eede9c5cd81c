"""``POST /exchange``: from a signed body to an answer. Order of checks: shape, signer, nonce, expiry, budget, deed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lotusx_sim.dialects.hyperliquid import ordering, settings, transfers
from lotusx_sim.dialects.hyperliquid.accounts import Member
from lotusx_sim.dialects.hyperliquid.actions import L1_ACTIONS, USER_ACTIONS, read_user_action
from lotusx_sim.dialects.hyperliquid.deed import Deed
from lotusx_sim.dialects.hyperliquid.errors import ActionError, bad_body, must_deposit, no_such_wallet
from lotusx_sim.dialects.hyperliquid.schema import address, integer, unsigned
from lotusx_sim.dialects.hyperliquid.signing import (
    BadSignature,
    action_hash,
    chain_name,
    l1_digest,
    recover,
    user_digest,
)
from lotusx_sim.dialects.hyperliquid.state import NS_PER_MS, VenueState

DEEDS: dict[str, Callable[[Deed], Any]] = {
    "order": ordering.order,
    "cancel": ordering.cancel,
    "cancelByCloid": ordering.cancel_by_cloid,
    "modify": ordering.modify,
    "batchModify": ordering.batch_modify,
    "scheduleCancel": ordering.schedule_cancel,
    "noop": ordering.noop,
    "updateLeverage": settings.update_leverage,
    "updateIsolatedMargin": settings.update_isolated_margin,
    "approveAgent": settings.approve_agent,
    "approveBuilderFee": settings.approve_builder_fee,
    "createSubAccount": settings.create_sub_account,
    "setReferrer": settings.set_referrer,
    "reserveRequestWeight": settings.reserve_request_weight,
    "usdClassTransfer": transfers.usd_class_transfer,
    "usdSend": transfers.usd_send,
    "spotSend": transfers.spot_send,
    "sendAsset": transfers.send_asset,
    "withdraw3": transfers.withdraw,
    "subAccountTransfer": transfers.sub_account_transfer,
    "subAccountSpotTransfer": transfers.sub_account_spot_transfer,
    "vaultTransfer": transfers.vault_transfer,
}
_CANCELS = ("cancel", "cancelByCloid")
_BATCHES = {"order": "orders", "cancel": "cancels", "cancelByCloid": "cancels", "batchModify": "modifies"}
_ORDERS_PER_WEIGHT = 40
_STALE_COST = 5


@dataclass(frozen=True, slots=True)
class _Envelope:
    """A body that could be read."""

    action: Mapping[str, Any]
    kind: str
    nonce: int
    signature: tuple[int, int, int]
    vault: str | None
    expires_after: int | None

    @property
    def size(self) -> int:
        """Return how many orders, cancels or modifications it holds."""
        return max(1, len(self.action[_BATCHES[self.kind]])) if self.kind in _BATCHES else 1


def execute(state: VenueState, body: Any, now_ns: int, ip: str) -> dict[str, Any]:
    """Carry out one action, whichever way it came.

    Raises:
        HttpError: 422 not understood, 429 too much.
    """
    envelope = _read(body)
    state.limits.charge(ip, 1 + envelope.size // _ORDERS_PER_WEIGHT, now_ns)
    try:
        return {"status": "ok", "response": _execute(state, envelope, now_ns)}
    except ActionError as refused:
        return {"status": "err", "response": str(refused)}


def _read(body: Any) -> _Envelope:
    if not isinstance(body, Mapping) or not isinstance(body.get("action"), Mapping):
        raise bad_body()
    action, kind = body["action"], body["action"].get("type")
    if kind in L1_ACTIONS:
        action = L1_ACTIONS[kind].read(action)
    elif kind in USER_ACTIONS:
        action = read_user_action(USER_ACTIONS[kind], action)
    else:
        raise bad_body()
    vault, expires = body.get("vaultAddress"), body.get("expiresAfter")
    return _Envelope(
        action,
        kind,
        unsigned(body.get("nonce")),
        _signature(body.get("signature")),
        None if vault is None else address(vault),
        None if expires is None else unsigned(expires),
    )


def _signature(value: Any) -> tuple[int, int, int]:
    if not isinstance(value, Mapping):
        raise bad_body()
    numbers = []
    for name in ("r", "s"):
        text = value.get(name)
        if not isinstance(text, str) or not text.startswith("0x") or len(text) > 66:
            raise bad_body()
        try:
            numbers.append(int(text, 16))
        except ValueError:
            raise bad_body() from None
    return numbers[0], numbers[1], integer(value.get("v"))


def _execute(state: VenueState, envelope: _Envelope, now_ns: int) -> Any:
    now_ms = now_ns // NS_PER_MS
    signer = _signer(state, envelope)
    owner = _owner(state, envelope, signer, now_ms)
    state.registry.nonces(signer).use(envelope.nonce, now_ms)
    if envelope.expires_after is not None and now_ms > envelope.expires_after:
        owner.budget.used += _STALE_COST
        raise ActionError("Action already expired")  # the venue's sentence may go on: only this much is known
    member = _acted_for(state, envelope, owner)
    is_cancel = envelope.kind in _CANCELS
    member.budget.spend(envelope.size, member.volume, now_ns, is_cancel=is_cancel)
    return DEEDS[envelope.kind](Deed(state, envelope.action, member, owner, now_ns))


def _signer(state: VenueState, envelope: _Envelope) -> str:
    kind = USER_ACTIONS.get(envelope.kind)
    if kind is None:
        connection = action_hash(envelope.action, envelope.nonce, envelope.vault, envelope.expires_after)
        digest = l1_digest(connection, state.options.network)
    else:
        _check_user_signed(state, envelope, kind.nonce)
        digest = user_digest(kind.primary_type, kind.fields, envelope.action)
    try:
        return recover(digest, *envelope.signature)
    except BadSignature:
        raise ActionError("Unable to recover signer.") from None


def _check_user_signed(state: VenueState, envelope: _Envelope, nonce_field: str) -> None:
    if envelope.action["hyperliquidChain"] != chain_name(state.options.network):
        raise ActionError("Mainnet and testnet require different signatures.")
    if envelope.action[nonce_field] != envelope.nonce:
        raise ActionError("Nonce mismatch.")
    if envelope.expires_after is not None:
        raise ActionError("expiresAfter is not supported for user-signed actions.")  # wording not known


def _owner(state: VenueState, envelope: _Envelope, signer: str, now_ms: int) -> Member:
    """Return the account behind a signer; agents may not sign what only the account itself may."""
    if envelope.kind in USER_ACTIONS:
        member = state.registry.members.get(signer)
        if member is None:
            raise must_deposit(signer)
        return member
    owner = state.registry.owner(signer, now_ms)
    if owner is None:
        raise no_such_wallet(signer)
    return owner


def _acted_for(state: VenueState, envelope: _Envelope, owner: Member) -> Member:
    if envelope.vault is None or envelope.kind in USER_ACTIONS:
        return owner
    member = state.registry.members.get(envelope.vault)
    if member is None or member.master != owner.address:
        raise ActionError(f"Vault not registered: {envelope.vault}")
    return member
