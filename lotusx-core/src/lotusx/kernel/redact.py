"""Keep secrets out of every text that leaves: errors, logs, reports."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterable
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

from lotusx.kernel.request import Request

E = TypeVar("E", bound=BaseException)
MASK = "***"
LONGEST_TEXT = 100_000
"""Characters of a text that are kept. An exchange, or who stands before it, may answer with megabytes."""

# Names whose values are secret wherever they stand: in a query, a header, a JSON document. What a name begins with is
# left to the text: to look for it from each character takes minutes where a reply has one very long word.
_NAMED = re.compile(
    r"""(?ix)
    ( (?: sign(?:ature|ed)? | api[-_]?key | secret | passphrase | password | private[-_]?key
         | listen[-_]?key | token | authorization | cookie ) \\? ["']? \s* [=:] \s*
      (?: (?:bearer|basic) \s+ )? \\? ["']? )
    ( [^"'&\s,;}<>\\]+ )
    """
)
_TOO_SHORT = 6  # hiding every "1" hides nothing and destroys the text


class Redactor:
    """Replaces known secrets, in the encodings they may travel in, and whatever is named like a secret.

    >>> Redactor(["canary-key"]).text("GET /x?key=canary-key&signature=abc&limit=5")
    'GET /x?key=***&signature=***&limit=5'
    """

    __slots__ = ("_values",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._values = _longest_first(form for secret in secrets for form in _forms(secret))

    def __repr__(self) -> str:
        return f"Redactor(<{len(self._values)} values>)"

    def text(self, text: str) -> str:
        """Return *text* without secrets; what is longer than `LONGEST_TEXT` is cut, and says so."""
        for value in self._values:
            if value in text:
                text = text.replace(value, MASK)  # before the cut, which would leave the beginning of one
        cut = "" if len(text) <= LONGEST_TEXT else "… (cut)"
        return _NAMED.sub(rf"\1{MASK}", text[:LONGEST_TEXT]) + cut

    def with_request(self, unsigned: Request, signed: Request) -> Redactor:
        """Return a redactor that also knows what signing added to a request, whatever an exchange calls it."""
        before = {*_parts(unsigned)}
        other = Redactor()
        other._values = _longest_first({*self._values, *(part for part in _parts(signed) if part not in before)})
        return other

    def value(self, value: Any) -> Any:
        """Return *value* with every text in it redacted; for what an error carries."""
        match value:
            case str():
                return self.text(value)
            case bytes():
                return self.text(value.decode("utf-8", "replace")).encode()
            case dict():
                return {self.value(key): self._named(key, item) for key, item in value.items()}
            case list():
                return [self.value(item) for item in value]
            case tuple() if type(value) is tuple:
                return tuple(self.value(item) for item in value)
            case _:
                return value

    def _named(self, key: Any, item: Any) -> Any:
        if isinstance(key, str) and isinstance(item, str) and _NAMED.search(f"{key}=x"):
            return MASK
        return self.value(item)

    def error(self, error: E) -> E:
        """Redact what *error* says and carries, in place, and return it."""
        error.args = self.value(error.args)
        for name, value in vars(error).items():
            setattr(error, name, self.value(value))
        return error


class RedactingFilter(logging.Filter):
    """A logging filter that redacts the finished message; put it on handlers, where all loggers pass."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact *record* and let it pass."""
        record.msg = self._redactor.text(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._redactor.text(record.exc_text)
        return True


def _forms(secret: str) -> Iterable[str]:
    if len(secret) < _TOO_SHORT:
        return
    raw = secret.encode()
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield base64.b64encode(raw).decode().rstrip("=")
    yield base64.urlsafe_b64encode(raw).decode().rstrip("=")
    yield raw.hex()
    yield raw.hex().upper()


def _parts(request: Request) -> Iterable[str]:
    for _, value in request.headers:
        yield value
    for pair in request.query.split("&"):
        yield pair.partition("=")[2]
    # A signature in a body stands between quotes; short words and plain numbers are not secrets.
    yield from re.findall(r'"([^"\\]{16,})"', request.body.decode("utf-8", "replace"))


def _longest_first(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({v for v in values if len(v) >= _TOO_SHORT}, key=lambda v: (-len(v), v)))
