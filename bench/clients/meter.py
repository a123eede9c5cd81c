"""What every client reports: CPU seconds from the first item to the last, and how many reached the user."""

from __future__ import annotations

import json
import time


class Meter:
    """Starts at the first item."""

    def __init__(self) -> None:
        self.seen = 0
        self._began = 0.0

    def start(self) -> None:
        """The first item is there."""
        self._began = time.process_time()

    def report(self) -> None:
        """Say what it took."""
        print(json.dumps({"cpu_s": time.process_time() - self._began, "seen": self.seen}))
