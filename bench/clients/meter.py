"""What every client reports: CPU seconds from the first item to the last, and how many reached the user."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """What a client is to do.

    Attributes:
        base_url: The server; by TLS where the row says so.
        plain_url: The same without TLS, for REST of those that need no more.
        count: Items that will be sent.
        option: The row's own word, such as a number of symbols.
    """

    work: str
    base_url: str
    count: int
    plain_url: str
    exchange: str
    option: str

    @classmethod
    def given(cls) -> Task:
        """Read the command line."""
        work, base_url, count, plain_url, exchange, option = sys.argv[1:7]
        return cls(work, base_url, int(count), plain_url, exchange, option)

    @property
    def ws_url(self) -> str:
        """The server's address for WebSockets."""
        return self.base_url.replace("http", "ws", 1)


class Meter:
    """Starts at the first item."""

    def __init__(self) -> None:
        self.seen = 0
        self._began = self._user = 0.0

    def start(self) -> None:
        """The first item is there."""
        self._began, self._user = time.process_time(), os.times().user

    def report(self, **figures: float) -> None:
        """Say what it took, and how much of that outside the kernel."""
        taken = {"cpu_s": time.process_time() - self._began, "user_s": os.times().user - self._user}
        print(json.dumps(taken | {"seen": self.seen, **figures}), flush=True)

    def end(self) -> None:
        """Report and leave at once: nobody measures how a client shuts down."""
        self.report()
        os._exit(0)
