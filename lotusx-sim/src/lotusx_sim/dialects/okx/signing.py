"""Who sent a request or opened a socket. Source: OKX API v5 (2026-06), overview-rest-authentication."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lotusx_sim.dialects.okx.errors import VenueError
from lotusx_sim.wire import HttpRequest

_TOLERANCE_MS = 30_000
_DEADLINES = frozenset(
    f"/api/v5/trade/{name}" for name in ("order", "batch-orders", "amend-order", "amend-batch-orders")
)


@dataclass(frozen=True, slots=True)
class OkxKey:
    """A key the venue knows."""

    key: str
    account: str
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
    may_trade: bool = True
    may_withdraw: bool = False

    def signs(self, payload: str, signature: str) -> bool:
        digest = hmac.new(self.secret.encode(), payload.encode(), "sha256").digest()
        return hmac.compare_digest(b64encode(digest).decode(), signature)


DEFAULT_KEY = OkxKey("sim-okx-key", "main", "sim-okx-secret", "sim-okx-passphrase")


def _refused(code: str, text: str) -> VenueError:
    return VenueError(code, text, status=401)


def sender_of(keys: Mapping[str, OkxKey], request: HttpRequest, now_ms: int) -> OkxKey:
    """Return whose request this is.

    Raises:
        VenueError: A header is missing or wrong, or the request comes too late.
    """
    values = []
    for code, name in (("50103", "KEY"), ("50104", "PASSPHRASE"), ("50106", "SIGN"), ("50107", "TIMESTAMP")):
        value = request.header(f"ok-access-{name.lower()}")
        if not value:
            raise _refused(code, f'Request header "OK-ACCESS-{name}" cannot be empty.')
        values.append(value)
    name, passphrase, signature, stamp = values
    key = keys.get(name)
    if key is None:
        raise _refused("50111", "Invalid OK-ACCESS-KEY.")
    try:
        sent = datetime.fromisoformat(stamp)
    except ValueError:
        raise _refused("50112", "Invalid OK-ACCESS-TIMESTAMP.") from None
    if sent.tzinfo is None:
        raise _refused("50112", "Invalid OK-ACCESS-TIMESTAMP.")
    if abs(round(sent.timestamp() * 1_000) - now_ms) > _TOLERANCE_MS:
        raise _refused("50102", "Timestamp request expired.")
    if not hmac.compare_digest(passphrase, key.passphrase):
        raise _refused("50105", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.')
    if not key.signs(f"{stamp}{request.method}{request.target}{request.body.decode('utf-8', 'replace')}", signature):
        raise _refused("50113", "Invalid Sign")
    deadline = request.header("exptime") or ""
    if request.path in _DEADLINES and deadline.isdigit() and int(deadline) < now_ms:
        raise VenueError("50037", "Order expired.")
    return key


def socket_owner(keys: Mapping[str, OkxKey], arg: Mapping[str, str], now_ms: int) -> OkxKey:
    """Return whose socket this is to be.

    Raises:
        VenueError: The log-in is refused.
    """
    key = keys.get(str(arg.get("apiKey", "")))
    stamp = str(arg.get("timestamp", ""))
    if key is None:
        raise VenueError("60005", "Invalid apiKey")
    if not stamp.replace(".", "", 1).isdigit():
        raise VenueError("60004", "Invalid timestamp")
    if abs(float(stamp) * 1_000 - now_ms) > _TOLERANCE_MS:
        raise VenueError("60006", "Timestamp request expired")
    if not hmac.compare_digest(str(arg.get("passphrase", "")), key.passphrase):
        raise VenueError("60024", "Wrong passphrase")
    if not key.signs(f"{stamp}GET/users/self/verify", str(arg.get("sign", ""))):
        raise VenueError("60007", "Invalid sign")
    return key
