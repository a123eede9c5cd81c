"""Commands that a venue accepted and has not carried out yet."""

from collections import deque
from collections.abc import Callable

Command = Callable[[int], None]  # is called with the time at which it is carried out


class Commands:
    """They are carried out in the order in which they were accepted."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Command]] = deque()

    def accept(self, command: Command, due_ns: int) -> None:
        """Keep *command* until *due_ns*, and until all before it are carried out."""
        self._waiting.append((due_ns, command))

    def next_due_ns(self) -> int | None:
        return self._waiting[0][0] if self._waiting else None

    def carry_out(self, now_ns: int) -> None:
        """Carry out what is due."""
        while self._waiting and self._waiting[0][0] <= now_ns:
            self._waiting.popleft()[1](now_ns)
