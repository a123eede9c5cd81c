"""The actions this venue knows: their keys in hash order, and how each is signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lotusx_sim.dialects.hyperliquid.errors import bad_body
from lotusx_sim.dialects.hyperliquid.schema import (
    Optional,
    Reader,
    address,
    boolean,
    cloid,
    integer,
    items,
    number,
    oid_or_cloid,
    one_of,
    record,
    text,
    unsigned,
)
from lotusx_sim.dialects.hyperliquid.signing import Fields

_LIMIT = record(tif=one_of("Gtc", "Ioc", "Alo", "FrontendMarket"))
_TRIGGER = record(isMarket=boolean, triggerPx=number, tpsl=one_of("tp", "sl"))


def _order_type(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or len(value) != 1:
        raise bad_body()
    if "limit" in value:
        return {"limit": _LIMIT(value["limit"])}
    if "trigger" in value:
        return {"trigger": _TRIGGER(value["trigger"])}
    raise bad_body()


def _grouping(value: Any) -> Any:
    if isinstance(value, Mapping):
        return record(p=unsigned)(value)
    return one_of("na", "normalTpsl", "positionTpsl")(value)


_ORDER = record(a=unsigned, b=boolean, p=number, s=number, r=boolean, t=_order_type, c=Optional(cloid))
_MODIFY = record(oid=oid_or_cloid, order=_ORDER)


@dataclass(frozen=True, slots=True)
class L1Action:
    read: Reader


@dataclass(frozen=True, slots=True)
class UserAction:
    """An action signed field by field; *nonce* is the field that repeats the outer nonce."""

    primary_type: str
    fields: Fields
    nonce: str
    optional: tuple[str, ...] = ()  # may be left out of the JSON and is then signed as empty text


def _l1(**fields: Reader | Optional) -> L1Action:
    return L1Action(record(type=text, **fields))


def _user(primary_type: str, signed: str, nonce: str = "nonce", optional: tuple[str, ...] = ()) -> UserAction:
    """Return a user-signed action; *signed* holds the fields between chain and nonce, as EIP-712 writes them."""
    declared = [item.split() for item in f"string hyperliquidChain,{signed},uint64 {nonce}".split(",")]
    return UserAction(primary_type, [(name, kind) for kind, name in declared], nonce, optional)


L1_ACTIONS: dict[str, L1Action] = {
    "order": _l1(orders=items(_ORDER), grouping=_grouping, builder=Optional(record(b=address, f=unsigned))),
    "cancel": _l1(cancels=items(record(a=unsigned, o=unsigned)), f=Optional(boolean)),
    "cancelByCloid": _l1(cancels=items(record(asset=unsigned, cloid=cloid)), f=Optional(boolean)),
    "modify": _l1(oid=oid_or_cloid, order=_ORDER, a=Optional(boolean)),
    "batchModify": _l1(modifies=items(_MODIFY), a=Optional(boolean)),
    "scheduleCancel": _l1(time=Optional(unsigned)),
    "updateLeverage": _l1(asset=unsigned, isCross=boolean, leverage=unsigned),
    "updateIsolatedMargin": _l1(asset=unsigned, isBuy=boolean, ntli=integer),
    "vaultTransfer": _l1(vaultAddress=address, isDeposit=boolean, usd=unsigned),
    "createSubAccount": _l1(name=text),
    "subAccountTransfer": _l1(subAccountUser=address, isDeposit=boolean, usd=unsigned),
    "subAccountSpotTransfer": _l1(subAccountUser=address, isDeposit=boolean, token=text, amount=text),
    "setReferrer": _l1(code=text),
    "reserveRequestWeight": _l1(weight=unsigned, destination=Optional(address)),
    "noop": _l1(),
}
USER_ACTIONS: dict[str, UserAction] = {
    "usdSend": _user("UsdSend", "string destination,string amount", "time"),
    "spotSend": _user("SpotSend", "string destination,string token,string amount", "time"),
    "withdraw3": _user("Withdraw", "string destination,string amount", "time"),
    "usdClassTransfer": _user("UsdClassTransfer", "string amount,bool toPerp"),
    "sendAsset": _user(
        "SendAsset",
        "string destination,string sourceDex,string destinationDex,string token,string amount,string fromSubAccount",
    ),
    "approveAgent": _user("ApproveAgent", "address agentAddress,string agentName", optional=("agentName",)),
    "approveBuilderFee": _user("ApproveBuilderFee", "string maxFeeRate,address builder"),
}
_READERS: dict[str, Reader] = {"string": text, "address": address, "bool": boolean, "uint64": unsigned}


def read_user_action(kind: UserAction, action: Mapping[str, Any]) -> dict[str, Any]:
    """Check the fields of a user-signed action; texts stay as they were typed, for so they were signed."""
    result: dict[str, Any] = {"type": action["type"], "signatureChainId": text(action.get("signatureChainId"))}
    try:
        int(result["signatureChainId"], 16)
    except ValueError:
        raise bad_body() from None
    for name, field_type in kind.fields:
        given = action.get(name)
        if given is None and name in kind.optional:
            given = ""
        result[name] = _READERS[field_type](given)
    return result
