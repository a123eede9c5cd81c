"""Run many seeds: ``python tests/invariants/simulate.py --exchange binance --seeds 1000 --jobs 2``.

Prints a line for each failure, progress (a bar on a terminal), and a summary. Ends with 1 if anything failed. With
``--state FILE`` the scorecard is kept in that file, and seeds it holds of this version are not run again.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from rig.lab import BESIDES, EXCHANGES, broke, run_seed
from rig.scorecard import Card, Cards, reached, read, this_version, write

_LINE_S = 30.0
_SAVE_S = 20.0
_BAR = 30

Outcome = tuple[str, int, Card, list[str]]


def one(exchange: str, seed: int) -> Outcome:
    """Run one seed; return what it came to and its failures."""
    card = Card()
    if not gc.get_freeze_count():
        gc.freeze()  # the modules: looking through them again costs half of what looking for garbage does
    gc.disable()  # a run keeps nearly all it makes until its end: looking for garbage meanwhile is a tenth of the time
    try:
        result = run_seed(exchange, seed)
    except Exception as error:
        card.take(seed, None)
        return exchange, seed, card, [broke(exchange, seed, error)]
    finally:
        gc.enable()
        gc.collect()
    return exchange, seed, card, card.take(seed, result)


def outcomes(work: Sequence[tuple[str, int]], jobs: int) -> Iterator[Outcome]:
    """Run *work* in *jobs* processes; yield what comes, in the order in which it comes."""
    if jobs == 1:
        for exchange, seed in work:
            yield one(exchange, seed)
        return
    left = iter(work)
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("forkserver")) as pool:
        running: set[Future[Outcome]] = {pool.submit(one, *each) for each in islice(left, 2 * jobs)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(one, *each) for each in islice(left, len(done))}
            for future in done:
                yield future.result()


class Progress:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._begun = self._told = time.monotonic()
        self._on_terminal = sys.stdout.isatty()

    def say(self, line: str) -> None:
        """Print a line of its own."""
        print(f"\r\033[K{line}" if self._on_terminal else line, flush=True)

    def show(self, done: int, failed: int) -> None:
        """Show how far it is."""
        now = time.monotonic()
        if now - self._told < (0.2 if self._on_terminal else _LINE_S):
            return
        self._told = now
        left_s = (now - self._begun) / done * (self._total - done) if done else 0.0
        said = f"{done} of {self._total} seeds, {failed} failed, {left_s / 60:.1f} minutes left"
        if self._on_terminal:
            full = _BAR * done // max(self._total, 1)
            print(f"\r\033[K[{'#' * full}{'.' * (_BAR - full)}] {said}", end="", flush=True)
        else:
            print(f"… {said}", flush=True)


def simulate(cards: Cards, work: Sequence[tuple[str, int]], jobs: int, state: Path | None) -> int:
    """Run *work*, add it to *cards*, keep them in *state*; return how many seeds failed."""
    progress, saved = Progress(len(work)), time.monotonic()
    failed = 0
    for done, (exchange, _, card, lines) in enumerate(outcomes(work, jobs), 1):
        for line in lines:
            progress.say(line)
        failed += bool(lines)
        cards.setdefault(exchange, {}).setdefault(this_version(), Card()).add(card)
        progress.show(done, failed)
        if state is not None and time.monotonic() - saved > _SAVE_S:
            saved = time.monotonic()
            save(cards, state)
    if state is not None:
        save(cards, state)
    progress.say(f"{len(work)} seeds run, {failed} failed")
    return failed


def save(cards: Cards, state: Path) -> None:
    """Replace *state* at once, so that an interruption leaves the old one or the new one."""
    fresh = state.with_name(state.name + ".new")
    fresh.write_text(json.dumps(write(cards), indent=1) + "\n", encoding="utf-8")
    fresh.replace(state)


def summarise(exchange: str, card: Card) -> None:
    """Print what the runs of one exchange came to."""
    hours, minutes = card.virtual_s / 3_600, card.cpu_s / 60
    speed = card.virtual_s / max(card.cpu_s, 1e-9)
    print(
        f"{exchange} {this_version()}: {len(card.seeds)} seeds, {len(card.failed)} failed; "
        f"{hours:.1f} virtual hours in {minutes:.1f} minutes of one processor ({speed:,.0f} times); "
        f"{card.orders:.0f} orders, {card.fills:.0f} fills"
    )
    for name, times in sorted(card.measured.items()):
        if times:
            found = reached(times)
            print(
                f"{name}: p50 {found['p50']} s, p99 {found['p99']} s, longest {found['max']} s of {found['count']:.0f}"
            )
    print("put to the test:", ", ".join(f"{name} {count}" for name, count in sorted(card.exercised.items())))
    print("faults:", ", ".join(f"{name} {count}" for name, count in sorted(card.faults.items())))


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--exchange", choices=sorted({**EXCHANGES, **BESIDES}), action="append", help="the usual ones by default"
    )
    parser.add_argument("--seeds", type=int, default=100, help="how many, of each exchange")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes")
    parser.add_argument("--state", type=Path, help="scorecard to add to; what it holds is not run again")
    arguments = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("LOTUSX_")]:
        del os.environ[name]  # settings of this machine
    state: Path | None = arguments.state
    cards = read(json.loads(state.read_text(encoding="utf-8"))) if state is not None and state.exists() else {}
    chosen = arguments.exchange or list(EXCHANGES)
    known = {name: cards.get(name, {}).get(this_version(), Card()).seeds for name in chosen}
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    work = [(name, seed) for seed in seeds for name in chosen if seed not in known[name]]
    failed = simulate(cards, work, arguments.jobs, state)
    for name in chosen:
        summarise(name, cards.get(name, {}).get(this_version(), Card()))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
