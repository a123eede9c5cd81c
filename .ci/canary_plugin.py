"""What `canary.py` has pytest load: makes a run say all it can, and keeps what it said.

Every connection gets an observer, an audit log and a journal, logging is at DEBUG; every error, exchange and event is
written down with its text, its repr, what it carries, its traceback and its pickle.
"""

from __future__ import annotations

import logging
import os
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lotusx
from lotusx.errors import LotusXError
from lotusx.logs import JsonFormatter
from lotusx.plugin import hookimpl
from lotusx_audit import Audit

FOLDER = Path(os.environ["LOTUSX_CANARY"])
_errors: list[LotusXError] = []
_exchanges: list[lotusx.Exchange] = []
_init = LotusXError.__init__
_connect = lotusx.connect


def _write(name: str, text: str) -> None:
    with (FOLDER / name).open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text + "\n")


class Watcher:
    """Writes down what observers are told."""

    @hookimpl
    def lotusx_observer(self, exchange: str) -> Callable[[object], None]:
        return lambda event: _write("telemetry.txt", f"{exchange} {event!r}")


def _recorded(self: LotusXError, *arguments: Any, **more: Any) -> None:
    _init(self, *arguments, **more)
    _errors.append(self)


def _watched(name: str, **settings: Any) -> lotusx.Exchange:
    audit = Audit(file=FOLDER / "audit.jsonl", fsync="never")
    settings["plugins"] = (*settings.get("plugins", ()), Watcher(), audit)
    if "clock" not in settings:  # threads know nothing of virtual time
        settings.setdefault("journal", FOLDER / "journal.db")
    exchange = _connect(name, **settings)
    _exchanges.append(exchange)
    return exchange


def pytest_configure(config: pytest.Config) -> None:
    """Take part in every connection and every error of the run."""
    logging.getLogger().setLevel(logging.DEBUG)
    text = logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s %(args)s")
    for name, formatter in (("log.txt", text), ("log.jsonl", JsonFormatter())):
        handler = logging.FileHandler(FOLDER / name, encoding="utf-8")
        handler.setFormatter(formatter)
        logging.getLogger().addHandler(handler)
        config.add_cleanup(handler.close)
    LotusXError.__init__ = _recorded  # type: ignore[method-assign]
    vars(lotusx)["connect"] = _watched


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Write down what a test has left behind; by now everything is as its caller saw it."""
    try:
        yield
    finally:
        for error in _errors:
            _tell_error(error)
        for exchange in _exchanges:
            parts = [getattr(exchange, name, None) for name in ("market", "trading", "account", "_start")]
            owner = getattr(exchange._start, "__self__", None)
            for each in (exchange, *parts, owner, *(vars(owner).values() if owner is not None else ())):
                _write("reprs.txt", repr(each))
                if hasattr(each, "__dict__"):
                    _write("reprs.txt", repr(vars(each)))
        _errors.clear()
        _exchanges.clear()


def _tell_error(error: LotusXError) -> None:
    _write("errors.txt", f"{error} {error!r} {error.args!r} {vars(error)!r}")
    _write("tracebacks.txt", "".join(traceback.format_exception(error)))
    try:
        pickled = pickle.dumps(error)
    except Exception as reason:
        _write("errors.txt", f"not pickled: {reason!r}")
    else:
        with (FOLDER / "pickles.bin").open("ab") as file:
            file.write(pickled)
