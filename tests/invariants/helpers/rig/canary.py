"""Secrets that were planted, in every form in which they could get out."""

from __future__ import annotations

import base64
import logging
import pickle
import traceback
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

_CUT = 20


def forms(secret: str) -> dict[str, str]:
    """Return *secret* in the encodings that count, by their name."""
    raw = secret.encode()
    found = {
        "plain": secret,
        "its beginning": secret[:_CUT],
        "its end": secret[-_CUT:],
        "url": quote(secret, safe=""),
        "url of a form": quote_plus(secret),
        "hex": raw.hex(),
        "upper-case hex": raw.hex().upper(),
        "reversed": secret[::-1],
        "bytes": str(list(raw))[1:-1],
    }
    for shift in range(3):  # base64 of a text that holds it somewhere: one form for each position in a group of three
        chars = base64.b64encode(bytes(shift) + raw).decode().rstrip("=")
        middle = chars[4 if shift else 0 : len(chars) - 4]
        found[f"base64, {shift} along"] = middle
        found[f"base64 for urls, {shift} along"] = middle.translate(str.maketrans("+/", "-_"))
    if secret.startswith("0x"):
        found["without its prefix"] = secret[2:]
        found["upper-case digits"] = secret[2:].upper()
        found["a number"] = str(int(secret, 16))
        found["raw bytes"] = repr(bytes.fromhex(secret[2:]))[2:-1]
        found["base64 of its bytes"] = base64.b64encode(bytes.fromhex(secret[2:])).decode().rstrip("=")
    return found


def _printed(error: BaseException) -> Iterator[str]:
    """Yield what a traceback shows of *error* and of what led to it, but for the carets: finding their places costs."""
    seen: dict[int, BaseException] = {}
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen[id(each)] = each
        yield from traceback.StackSummary.extract(traceback.walk_tb(each.__traceback__)).format()
        yield from traceback.format_exception_only(each)
        left += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            left += each.exceptions


class Haystack(logging.Handler):
    """Everything that came out of LotusX in a run: log records at every level, and what is added by hand."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        self.parts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record as it would be printed, and its parts."""
        self.parts += [self.format(record), repr(record.__dict__)]

    def add(self, *texts: str) -> None:
        """Keep *texts*."""
        self.parts += texts

    def add_error(self, error: BaseException) -> None:
        """Keep whatever can be made of *error*."""
        self.parts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        self.parts += _printed(error)
        self.add_pickle(error)

    def add_pickle(self, item: object) -> None:
        """Keep *item* as it would be stored; refusing to be pickled is fine."""
        try:
            stored = pickle.dumps(item)
        except Exception as refusal:
            self.parts += [str(refusal), repr(refusal)]
        else:
            self.parts += [stored.decode("latin-1"), repr(stored)]

    def leaks(self, secrets: Iterable[str]) -> list[str]:
        """Return which secret got out in which form, and where; never the secret itself."""
        text = "\n".join(self.parts)
        found = []
        for number, secret in enumerate(secrets):
            for name, form in forms(secret).items():
                at = text.find(form)
                if at >= 0:
                    before = text[max(0, at - 60) : at].replace("\n", " ")
                    found.append(f"secret {number} came out ({name}), after {before!r}")
        return found
