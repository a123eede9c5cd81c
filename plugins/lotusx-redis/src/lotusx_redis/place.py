"""One Redis: its address and options, and the calls that are made to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl, urlencode, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lotusx.errors import ConfigurationError
from lotusx_redis.server_time import ServerTime

TIMEOUT_S = 0.5
KEEP_S = 2 * 86_400
"""How long a count lasts that nobody changes: twice the longest window of an exchange."""

_FAILURES = (redis.RedisError, OSError, UnicodeError)  # the last: a host whose name cannot exist

_CHANGE = """
local time = redis.call('TIME')
local held = redis.call('HMGET', KEYS[1], 'epoch', 'number', 'document')
local epoch, number = held[1] or '', held[2] or ''
if epoch ~= ARGV[1] or number ~= ARGV[2] then
  return {time[1], time[2], 0, epoch, number, held[3] or ''}
end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[3], 'number', ARGV[4], 'document', ARGV[5])
  redis.call('EXPIRE', KEYS[1], ARGV[6])
end
return {time[1], time[2], 1}
"""
_NONCE = """
local nonce = math.max(tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[1]) or '0') + 1)
redis.call('SET', KEYS[1], string.format('%d', nonce), 'EX', ARGV[2])
return nonce
"""


@dataclass(frozen=True, slots=True)
class Version:
    """Which document stands there. ``epoch``: tells two histories of it apart; empty: there is none."""

    epoch: str = ""
    number: int = 0


class Unreachable(Exception):
    """The server did not do what it was asked; the text says why, without a password."""


class Place:
    """A Redis as an address names it: ``redis://host:6379/0?alone=0.25``. Its methods block, at most `timeout_s` each.

    Args:
        address: As redis-py reads it; ``alone`` and ``timeout_s`` among its options are ours.
        monotonic_ns: The clock of this process.

    Raises:
        ConfigurationError: The address cannot be used.
    """

    def __init__(self, address: str, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        plain, self.alone, self.timeout_s = _read(address)
        self.shown = _shown(plain)
        self.monotonic_ns = monotonic_ns
        self.time = ServerTime()
        try:
            self._client = redis.Redis.from_url(
                plain,
                socket_timeout=self.timeout_s,
                socket_connect_timeout=self.timeout_s,
                retry=Retry(NoBackoff(), 0),
            )
            pool = self._client.connection_pool
            pool.connection_class(**pool.connection_kwargs)  # connects to nothing, but knows the options
        except (ValueError, TypeError, redis.RedisError):  # its text may quote a part of the password
            raise ConfigurationError(f"the address of the shared limits {self.shown} cannot be read") from None
        self._change = self._client.register_script(_CHANGE)
        self._nonce = self._client.register_script(_NONCE)

    def measure(self) -> None:
        """Ask what time it is there."""
        before_ns = self.monotonic_ns()
        try:
            seconds, microseconds = self._client.time()
        except _FAILURES as error:
            raise self._unreachable(error) from error
        self.time.hear(before_ns, self.monotonic_ns(), seconds * 1_000_000 + microseconds)

    def change(
        self, key: str, known: Version, document: bytes | None, following: Version
    ) -> tuple[bool, tuple[Version, bytes] | None]:
        """Replace the document at *key* if *known* is what stands there; ``None``: only ask whether it is.

        Returns:
            Whether the server's clock was set meanwhile; and what stands there instead, ``None``: it was as known.
        """
        before_ns = self.monotonic_ns()
        number = str(known.number) if known.epoch else ""
        new = ("", "", b"") if document is None else (following.epoch, str(following.number), document)
        try:
            found = self._change(keys=[key], args=[known.epoch, number, *new, KEEP_S])
        except _FAILURES as error:
            raise self._unreachable(error) from error
        was_set = self.time.hear(before_ns, self.monotonic_ns(), int(found[0]) * 1_000_000 + int(found[1]))
        if found[2]:
            return was_set, None
        return was_set, (Version(found[3].decode(), int(found[4] or 0)), found[5])

    def nonce(self, key: str, least: int) -> int:
        """Return a number that nobody else gets: *least*, or one more than the last one at *key*."""
        try:
            return int(self._nonce(keys=[key], args=[least, KEEP_S]))
        except _FAILURES as error:
            raise self._unreachable(error) from error

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(f"the limits that are shared over {self.shown} cannot be reached ({error})")


def _read(address: str) -> tuple[str, Decimal | None, float]:
    try:
        parts = urlsplit(address)
    except ValueError:
        raise ConfigurationError("budgets: the address of the shared limits cannot be read") from None
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":  # what was read as the host is a part of the password
        raise ConfigurationError("budgets: / ? # and @ in a password or an option are written %2F %3F %23 and %40")
    theirs, alone, timeout_s = [], None, TIMEOUT_S
    for name, value in parse_qsl(parts.query):
        try:
            if name == "alone":
                alone = Decimal(value)
                if not 0 < alone <= 1:
                    raise ValueError
            elif name == "timeout_s":
                timeout_s = float(value)
                if not 0.001 <= timeout_s <= 60:
                    raise ValueError
            else:
                theirs.append((name, value))
        except (ValueError, InvalidOperation):
            wanted = "a part of the limits such as 0.25" if name == "alone" else "seconds between 0.001 and 60"
            raise ConfigurationError(f"budgets: {name} must be {wanted}, not {value!r}") from None
    options = f"?{urlencode(theirs)}" if theirs else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{options}", alone, timeout_s


def _shown(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
