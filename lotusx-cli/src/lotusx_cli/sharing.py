"""Takes out of a text what should not leave the machine: whatever the user has configured, and what looks private.

Both, since neither suffices: a short passphrase looks like any word, and an address can come from the network.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from lotusx.config_sources import Sources
from lotusx.errors import LotusXError

_ADDRESS = re.compile(
    r"(?:https?|wss?|socks\w*)://[^\s'\",)]+"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"
    r"|\[?(?:[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){4,7}|[0-9a-fA-F:]*::[0-9a-fA-F:]*)\]?(?::\d+)?"
)
_LONG = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_LINE = re.compile(r"^\s*(?:export\s+)?LOTUSX_\w+\s*=\s*(.+?)\s*$", re.MULTILINE)
_PLAIN = frozenset(("live", "testnet", "demo", "simulator", "true", "false"))
_LEAST = 3
"""Shorter texts are left: taking them out would leave holes everywhere, and they hide nothing."""


def cleaned(text: str, own: Iterable[str] = ()) -> str:
    """Return *text* without folders, names of machine and user, addresses, what may be a key, and the *own* texts."""
    for known, stand_in in _places():
        text = text.replace(known, stand_in)
    for value in sorted(own, key=len, reverse=True):
        text = text.replace(value, "<removed>")
    return _LONG.sub("<removed>", _ADDRESS.sub("<address>", text))


def own_texts(config: str | None) -> set[str]:
    """Return every text that was configured here, in documents and variables, and the hosts that addresses name."""
    found = {value for name, value in os.environ.items() if name.startswith("LOTUSX_")}
    for file in (Path(".env"), Path(".env.local")):
        if file.is_file():
            found |= {line.strip("'\"") for line in _LINE.findall(file.read_text("utf-8", "replace"))}
    try:
        documents = Sources.of_process(config).documents
    except LotusXError:  # nothing of a document that cannot be read is quoted anywhere
        documents = ()
    for document in documents:
        found |= {text for key, value in document.content.items() if key != "plugins" for text in _leaves(value)}
    for text in tuple(found):
        found |= _hosts(text)
    return {text for text in found if len(text) >= _LEAST and text not in _PLAIN}


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _leaves(item)


def _hosts(text: str) -> set[str]:
    try:
        parts = urlsplit(text)
        found = {parts.netloc, parts.hostname, parts.username, parts.password}
    except ValueError:  # no address after all
        return set()
    return {item for item in found if item and parts.scheme}


def _places() -> Iterator[tuple[str, str]]:
    home = str(Path.home())
    for known, stand_in in ((str(Path.cwd()), "<here>"), (home, "<home>"), (platform.node(), "<machine>")):
        if known and known != "/":
            yield known, stand_in
