"""I21: limits are never knowingly broken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import TYPE_CHECKING

import anyio

import lotusx
from lotusx.errors import LotusXError
from lotusx.kernel.budget import BudgetRegistry
from lotusx_sim import wire
from lotusx_sim.shells import memory
from rig.another import another
from rig.invariant import Invariant
from rig.randomness import split
from rig.requests import Sent, WatchedHttp

if TYPE_CHECKING:
    from rig.world import World

SCENARIO = "limits"
_TRIALS = 3
_WINDOW_S = 60.0
_LASTS_S = 130.0
_LONGEST_S = 720.0
_MORE_S = 10.0
_EVERY_S = 1.0
_AT_ONCE = 5
_NEIGHBOUR_MOST = 3_000
_ADDRESS = "203.0.113.7"
_REFUSALS = (429, 418, 403)


@dataclass(frozen=True, slots=True)
class Answer:
    """One way of saying that it was too much.

    Attributes:
        retry_after: The header; ``{date}`` stands for the HTTP date of *silence_s* from now.
        silence_s: How long nothing may be asked after it; 0: it says nothing that could be held against anybody.
        everything: Whether nothing at all may be asked, rather than what draws on the same limit.
    """

    status: int
    retry_after: str | None
    silence_s: float
    everything: bool = False


_ANSWERS = (
    Answer(429, "3", 3.0),
    Answer(429, "1.5", 1.5),
    Answer(429, "{date}", 9.0),
    Answer(429, "10000", 10_000.0),
    Answer(429, None, 0.0),
    Answer(429, "-5", 0.0),
    Answer(429, "soon", 0.0),
    Answer(418, "40", 40.0, everything=True),
    Answer(418, None, 120.0, everything=True),
    Answer(403, None, 120.0, everything=True),  # a page of a web application firewall
)


class LimitsKept(Invariant):
    """Judged by what leaves the machine after the exchange has said, in any way, that it was too much."""

    id = "I21"
    title = "Limits are never knowingly broken."
    bound = "0 requests during a ban; at most 1 request over budget per window"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._rng = split(world.seed, "limits")

    async def at_leisure(self) -> None:
        self._judge_run()
        if self.world.plan.scenario != SCENARIO:
            return
        for answer in self._rng.sample(_ANSWERS, _TRIALS):
            await self._told(answer)
        await self._banned()
        await self._shared()

    def _judge_run(self) -> None:
        """Judge the run itself: the venue of a user who trades has never had to ban anybody."""
        banned = [sent for sent in self.world.http.sent if sent.status == 418]
        if banned:
            self.fail(f"the venue has banned this address: {banned[0].method} {banned[0].path}")

    def _elsewhere(self) -> WatchedHttp:
        """Return a way to the venue from another address: what is done to it is not done to the user under test."""
        network = replace(self.world.server.http._network, client_ip=_ADDRESS)
        return WatchedHttp(memory.MemoryHttp(network), self.world.now_ns)

    async def _read(self, connection: lotusx.Exchange) -> None:
        try:
            await connection.market.order_book(self.world.exchange.symbol, depth=self.world.exchange.book_depth)
        except LotusXError as error:
            self.world.haystack.add_error(error)

    async def _keep_reading(self, connection: lotusx.Exchange, seconds: float, at_once: int = 1) -> None:
        with anyio.move_on_after(seconds):
            while True:
                async with anyio.create_task_group() as tasks:
                    for _ in range(at_once):
                        tasks.start_soon(self._read, connection)
                await anyio.sleep(_EVERY_S)

    async def _told(self, answer: Answer) -> None:
        """Answer one request oddly, and look what is asked for after it."""
        world = self.world
        http = self._elsewhere()
        async with another(world, "limits", http=http, budgets=BudgetRegistry()) as connection:
            await self._read(connection)
            path = http.sent[-1].path
            known = len(http.sent)
            self._answer(answer)
            with anyio.move_on_after(5.0):
                await self._read(connection)
            world.sim.heal()
            await self._keep_reading(connection, self._patience_s(answer), _AT_ONCE)
            told = next((sent for sent in http.sent[known:] if sent.status == answer.status), None)
            if told is not None:
                self._judge(http.sent[known:], told, answer, path)
                if answer.silence_s < _LASTS_S:
                    await self._resumes(connection, http, told.number, f"HTTP {answer.status}")

    @staticmethod
    def _patience_s(answer: Answer) -> float:
        """Return how long to go on asking: until it is known whether somebody asks too early, or never again."""
        return (min(answer.silence_s, 2 * _WINDOW_S) or _WINDOW_S) + _MORE_S

    def _answer(self, answer: Answer) -> None:
        """Have the next request answered so, with the date that every server puts on it."""
        world = self.world
        now_s = world.server.clock.now_ns() // 1_000_000_000
        headers = [("date", formatdate(now_s, usegmt=True))]
        if answer.retry_after is not None:
            date = formatdate(now_s + answer.silence_s + 1.0, usegmt=True)
            headers.append(("retry-after", answer.retry_after.replace("{date}", date)))
        body = b"<html>WAF</html>" if answer.status == 403 else world.sim.venue.rate_limited(None).body
        for method, pattern in world.exchange.reads:
            world.sim.refuse(method, pattern, answer.status, body, times=1, headers=headers)

    async def _resumes(self, connection: lotusx.Exchange, http: WatchedHttp, known: int, what: str) -> None:
        """Go on asking for as long as any exchange wants silence; an answer must come."""
        with anyio.move_on_after(_LONGEST_S):
            while not any(each.status == 200 for each in http.sent[known:]):
                await anyio.sleep(_WINDOW_S)
                await self._read(connection)
            return
        self.fail(f"nothing is asked any more {_LONGEST_S:.0f} s after {what}")

    def _judge(self, sent: list[Sent], told: Sent, answer: Answer, path: str) -> None:
        self.exercised += 1
        silence_s = answer.silence_s
        until_ns = told.answered_ns + round(silence_s * 1e9)
        early = [
            each for each in sent
            if told.answered_ns < each.sent_ns < until_ns and (answer.everything or each.path == path)
        ]  # fmt: skip
        if early:
            after_s = (early[0].sent_ns - told.answered_ns) / 1e9
            self.fail(
                f"after HTTP {answer.status} with Retry-After {answer.retry_after!r} {len(early)} requests left too "
                f"early, the first after {after_s:.3f} s: {early[0].method} {early[0].path}"
            )

    async def _banned(self) -> None:
        """Have the venue ban everybody in its own words: one request finds out, none follows."""
        world = self.world
        seconds = self._rng.randint(20, 90)
        http = self._elsewhere()
        async with another(world, "a ban", http=http, budgets=BudgetRegistry()) as connection:
            await self._read(connection)
            known = len(http.sent)
            world.sim.ban(seconds)
            until_ns = world.now_ns() + round(seconds * 1e9)
            await self._keep_reading(connection, seconds + _LASTS_S)
            refused = [each for each in http.sent[known:] if each.sent_ns < until_ns]
            self.exercised += 1
            told = any(each.status == 418 or "retry-after" in each.headers for each in refused)
            if len(refused) > (1 if told else 1 + seconds // 60):  # else one finds out whether it is over
                self.fail(f"{len(refused)} requests left during a ban of {seconds} s")
            await self._resumes(connection, http, known, f"a ban of {seconds} s")

    async def _shared(self) -> None:
        """Let a neighbour at the same address use the limit up: whoever is refused once waits for the next window."""
        world, http = self.world, self._elsewhere()
        async with another(world, "a shared limit", http=http, budgets=BudgetRegistry()) as connection:
            await self._read(connection)
            request = http.sent[-1].request
            headers = tuple((name.lower(), value) for name, value in request.headers)
            target = request.url.removeprefix(world.server.base_url)
            for _ in range(_NEIGHBOUR_MOST):
                outcome = world.sim.handle(
                    wire.HttpRequest(request.method, target, headers, request.body), client_ip=_ADDRESS
                )
                if outcome.response is None or outcome.response.status != 200:
                    break
            else:
                return
            self.exercised += 1
            known, begun_ns = len(http.sent), world.now_ns()
            await self._keep_reading(connection, _LASTS_S)
            refused = [each for each in http.sent[known:] if each.status in _REFUSALS]
            windows = 1 + (world.now_ns() - begun_ns) // 60_000_000_000
            if len(refused) > windows:
                self.fail(f"a shared limit was used up, and {len(refused)} requests were refused in {windows} windows")
