"""Who sent a request, and in time? The same questions on every surface."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from lotusx_sim.dialects.binance.call import Security
from lotusx_sim.dialects.binance.errors import VenueError, missing
from lotusx_sim.dialects.binance.params import Params
from lotusx_sim.dialects.binance.signing import ApiKey, is_signed_by
from lotusx_sim.dialects.binance.state import NS_PER_MS

_AHEAD_NS = 1_000 * NS_PER_MS
_MICROSECONDS_FROM = 10**14  # a timestamp this large is in microseconds


def key_of(keys: Mapping[str, ApiKey], name: str | None, security: Security) -> ApiKey:
    """Return the key a request names, if it may do what is asked.

    Raises:
        VenueError: -2014 malformed, -2015 unknown or not allowed; both HTTP 401.
    """
    if not name:
        raise VenueError(-2014, "API-key format invalid.", status=401)
    key = keys.get(name)
    if key is None:
        if len(name) != 64 or not name.isalnum():
            raise VenueError(-2014, "API-key format invalid.", status=401)
        raise not_permitted()
    if not (key.may_trade if security is Security.TRADE else key.may_read):
        raise not_permitted()
    return key


def not_permitted() -> VenueError:
    return VenueError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)


def check_signature(key: ApiKey, payload: str, signature: str | None) -> None:
    if not signature:
        raise missing("signature")
    if not is_signed_by(key, payload, signature):
        raise VenueError(-1022, "Signature for this request is not valid.")


def check_time(params: Params, now_ns: int) -> None:
    """Hold a request's timestamp against the venue's clock.

    Raises:
        VenueError: -1021 too old for its window or more than a second ahead, -1131 window too large.
    """
    params.need("timestamp")
    timestamp = params.integer("timestamp")
    assert timestamp is not None
    sent_ns = timestamp * (1_000 if timestamp >= _MICROSECONDS_FROM else NS_PER_MS)
    window_ns = int(_receive_window_ms(params) * NS_PER_MS)
    if sent_ns >= now_ns + _AHEAD_NS:
        raise VenueError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ns - sent_ns > window_ns:
        raise VenueError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _receive_window_ms(params: Params) -> Decimal:
    sent = params.text("recvWindow")
    if sent is None:
        return Decimal(5_000)
    try:
        window = Decimal(sent)
    except InvalidOperation:
        raise VenueError(-1100, "Illegal characters found in parameter 'recvWindow'.") from None
    if not 0 <= window <= 60_000:
        raise VenueError(-1131, "recvWindow must be less than 60000.")
    return window
