"""The monitor on the screen: a line a market, as many cards as fit, and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.console import Group
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Click
from textual.widget import Widget

from lotusx_cli.monitor.cards import card, journal, look, summary, summary_heading
from lotusx_cli.monitor.drawing import ACCENT
from lotusx_cli.monitor.watched import Condition, Journal, Line, Watched, conditions

FRAME_S = 0.25
KEYS = (("q", "quit"), ("↑ ↓", "choose a market"), ("z", "one or all"), ("l", "more of the journal"))
LEAST_CARD = 62
"""A card is at least so many cells wide where there are several."""


class Summary(Widget):
    """All markets, a line each. A click chooses one."""

    can_focus = False

    def render(self) -> Group:
        app = self.app
        assert isinstance(app, Monitor)
        width = self.size.width
        rows = [
            summary(line, market, condition, width, chosen=at == app.chosen)
            for at, (line, market, condition) in enumerate(app.markets())
        ]
        first = app.first_row(self.size.height - 1)
        return Group(summary_heading(width), *rows[first:])

    def on_click(self, event: Click) -> None:
        """Choose the market that was clicked on."""
        app = self.app
        assert isinstance(app, Monitor)
        if event.y:
            app.choose(event.y - 1 + app.first_row(self.size.height - 1))


class Card(Widget):
    """One market; the screen says which."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__()
        self.shows: tuple[Line, Watched, Condition] | None = None

    def render(self) -> Group:
        if self.shows is None:
            return Group()
        return Group(*card(*self.shows, self.size.width, self.size.height))


class News(Widget):
    """What happened."""

    can_focus = False

    def render(self) -> Group:
        app = self.app
        assert isinstance(app, Monitor)
        lines = journal(list(app.journal.lines), self.size.width, self.size.height)
        return Group(*lines) if lines else Group(Text("nothing happened yet", "dim"))


class Keys(Widget):
    """What can be pressed."""

    can_focus = False

    def render(self) -> Text:
        text = Text()
        for key, meaning in KEYS:
            text.append(f" {key} ", f"bold {ACCENT}").append(f"{meaning}  ")
        return text


class Monitor(App[None]):
    """Shows *lines*; does not fill them."""

    TITLE = "LotusX"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { background: #0d1117; color: #c9d1d9; }
    Summary { height: auto; }
    Horizontal { height: 1fr; }
    Card { width: 1fr; height: 100%; border: round #30363d; border-title-color: #c9d1d9; padding: 0 1; }
    Card.chosen { border: round #58a6ff; }
    Keys { height: 1; background: #21262d; }
    News { height: 3; padding: 0 1; background: #161b22; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+c", "quit", priority=True),
        Binding("down,j", "step(1)"),
        Binding("up,k", "step(-1)"),
        Binding("z,enter", "zoom"),
        Binding("l", "news"),
    ]

    def __init__(self, lines: Sequence[Line], happened: Journal) -> None:
        super().__init__()
        self._lines = list(lines)
        self.journal = happened
        self.chosen = 0
        self.zoomed = False
        self.long_news = False
        self._summary, self._cards, self._news = Summary(), Horizontal(), News()

    def markets(self) -> list[tuple[Line, Watched, Condition]]:
        """Return all markets with their connections and how they are doing."""
        return list(conditions(self._lines))

    def compose(self) -> ComposeResult:
        """Lay out."""
        yield from (self._summary, self._cards, self._news, Keys())

    def on_mount(self) -> None:
        """Begin to draw."""
        self.set_interval(FRAME_S, self.draw)
        self.call_after_refresh(self.draw)

    def on_resize(self) -> None:
        """Draw at once in the new size."""
        self.call_after_refresh(self.draw)

    async def draw(self) -> None:
        """Show what is known now."""
        if not self._cards.is_attached:  # not laid out yet, or leaving
            return
        found = self.markets()
        total, width, height = len(found), self.size.width, self.size.height
        self._summary.styles.height = 1 + min(total, max(1, height // 4))
        self._news.styles.height = height // 2 if self.long_news else max(3, height // 7)
        count = 1 if self.zoomed else max(1, min(total, width // LEAST_CARD))
        cards = list(self._cards.query(Card))
        if len(cards) != count:
            await self._cards.remove_children()
            cards = [Card() for _ in range(count)]
            await self._cards.mount_all(cards)
        first = max(0, min(self.chosen - (count - 1) // 2, total - count))
        for at, each in enumerate(cards, start=first):
            line, market, condition = each.shows = found[at]
            sign, colour = look(condition)
            title = Text.assemble((f" {sign} ", colour), f"{line.name} {market.name}  {line.environment} ")
            each.border_title = title.markup
            each.set_class(at == self.chosen and count > 1, "chosen")
        for widget in (self._summary, self._news, *cards):
            widget.refresh()

    def first_row(self, rows: int) -> int:
        """Return the first market that the summary shows, so that the chosen one is among them."""
        return max(0, self.chosen - rows + 1)

    def choose(self, at: int) -> None:
        """Choose a market by its place."""
        self.chosen = max(0, min(at, len(self.markets()) - 1))

    async def action_step(self, by: int) -> None:
        """Choose the next market, or the one before; behind the last one comes the first."""
        self.chosen = (self.chosen + by) % max(1, len(self.markets()))
        await self.draw()

    async def action_zoom(self) -> None:
        """Show one card, or as many as fit."""
        self.zoomed = not self.zoomed
        await self.draw()

    async def action_news(self) -> None:
        """Show more of the journal, or less."""
        self.long_news = not self.long_news
        await self.draw()
