"""Who signed a request, checked over the bytes as they were sent. Source: Bybit V5, integration guidance.

Signed is timestamp + key + window + query (GET) or body (POST): HMAC-SHA256 in hex, or RSA (PKCS #1 v1.5, SHA-256) in
base64. A timestamp counts from *window* ms ago to less than one second ahead.
"""

from collections.abc import Mapping

# Both venues verify the same two kinds of key in the same way.
from lotusx_sim.dialects.binance.signing import ApiKey, is_signed_by
from lotusx_sim.dialects.bybit.errors import HttpRefusal, VenueError
from lotusx_sim.wire import HttpRequest

DEFAULT_KEY = ApiKey("LOTUSXTESTKEY0001", "main", "lotusx-test-secret-not-real-0123456789")
DEFAULT_WINDOW_MS = 5_000
_AHEAD_MS = 1_000


def check_time(timestamp: str, window: str, now_ms: int) -> None:
    """Raise 10002 unless *timestamp* counts at *now_ms*."""
    try:
        sent_ms, window_ms = int(timestamp), int(window or DEFAULT_WINDOW_MS)
    except ValueError:
        raise VenueError(10001, "params error: timestamp or recv_window invalid") from None
    if not now_ms - window_ms <= sent_ms < now_ms + _AHEAD_MS:
        raise VenueError(
            10002,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{sent_ms}],server_timestamp[{now_ms}],recv_window[{window_ms}]",
        )


def signer_of(keys: Mapping[str, ApiKey], request: HttpRequest, now_ms: int) -> ApiKey:
    """Return whose request this is.

    Raises:
        HttpRefusal: 401, a header is missing.
        VenueError: 10003 unknown key, 10002 timestamp, 10004 signature.
    """
    name, timestamp = request.header("x-bapi-api-key"), request.header("x-bapi-timestamp")
    signature, window = request.header("x-bapi-sign"), request.header("x-bapi-recv-window") or ""
    if not name or not timestamp or not signature:
        raise HttpRefusal(401)
    key = keys.get(name)
    if key is None:
        raise VenueError(10003, "API key is invalid.")
    check_time(timestamp, window, now_ms)
    try:
        content = request.query if request.method == "GET" else request.body.decode()
    except UnicodeDecodeError:
        raise VenueError(10001, "params error: the body is not UTF-8") from None
    payload = f"{timestamp}{name}{window}{content}"
    if not is_signed_by(key, payload, signature):
        raise VenueError(10004, "error sign! please check your signature generation algorithm.")
    return key


def stream_signer(keys: Mapping[str, ApiKey], name: str, expires: str, signature: str, now_ms: int) -> ApiKey | None:
    """Return whose WebSocket this is; None: bad key or signature, or *expires* is not ahead."""
    key = keys.get(name)
    if key is None or not expires.isdigit() or int(expires) <= now_ms:
        return None
    return key if is_signed_by(key, f"GET/realtime{expires}", signature) else None
