"""Reads a recording back: which exchange it is of, its messages in the order of their arrival, its answers."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lotusx.model.market_data import BookUpdate, Trade
from lotusx_recorder.errors import RecordingError
from lotusx_recorder.tables import ANSWERS, EVENTS, FRAMES, SCHEMA, STATES

_BATCH = 4096
_FRAME = ("received_ns", "seq", "ws_group", "session", "direction", "key", "payload")
_FEED = (EVENTS[BookUpdate], EVENTS[Trade])
_ANSWER = ("sent_ns", "received_ns", "verb", "path", "query", "body", "status", "content_type", "payload")


@dataclass(frozen=True, slots=True)
class Frame:
    """One message that arrived. ``socket``: which of all that were open in all runs it came by."""

    received_ns: int
    group: str
    key: str
    socket: tuple[str, str, int]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a public read."""

    sent_ns: int
    received_ns: int
    status: int
    content_type: str
    body: bytes


Question = tuple[str, str, str, str]
"""Verb, path, query and body of a request."""


class Recording:
    """A folder that `lotusx_recorder.Recorder` has filled, as far as it is of one exchange and environment.

    Args:
        exchange, environment: Which; ``None``: there is only one.

    Raises:
        RecordingError: It is not there, or not of this schema, or of several exchanges and it was not said of which.
    """

    def __init__(self, folder: Path, *, exchange: str | None = None, environment: str | None = None) -> None:
        self.folder = folder
        files = {table: _files(folder, table) for table in (FRAMES, ANSWERS, STATES, *_FEED)}
        wanted = {"lotusx.exchange": exchange, "lotusx.environment": environment}
        self._files: dict[str, list[tuple[str, Path]]] = {
            table: [
                (about["lotusx.run"], path)
                for path, about in found
                if all(value is None or about[name] == value for name, value in wanted.items())
            ]
            for table, found in files.items()
        }
        origins = {
            (about["lotusx.exchange"], about["lotusx.environment"])
            for found in files.values()
            for path, about in found
            if all(value is None or about[name] == value for name, value in wanted.items())
        }
        if not origins or not self._files[FRAMES]:
            raise RecordingError(f"{folder} has no recorded messages{_named(exchange, environment)}: nothing to replay")
        if len(origins) > 1:
            several = ", ".join(f"{name} ({where})" for name, where in sorted(origins))
            raise RecordingError(f"{folder} is of {several}: say which, by exchange= and environment=")
        ((self.exchange, self.environment),) = origins

    def frames(self) -> Iterator[Frame]:
        """Return the messages that arrived, all runs together, in the order of their arrival."""
        runs: dict[str, list[Path]] = {}
        for run, path in self._files[FRAMES]:
            runs.setdefault(run, []).append(path)
        return heapq.merge(*(_frames(run, paths) for run, paths in sorted(runs.items())), key=_arrival)

    def answers(self) -> Mapping[Question, Sequence[Answer]]:
        """Return all answers by what was asked, oldest first."""
        found: dict[Question, list[Answer]] = {}
        for _, path in self._files[ANSWERS]:
            for sent_ns, received_ns, verb, where, query, body, status, kind, payload in _rows(path, _ANSWER):
                answer = Answer(sent_ns, received_ns, status, kind, payload.encode())
                found.setdefault((verb, where, query, body), []).append(answer)
        for answers in found.values():
            answers.sort(key=lambda each: each.received_ns)
        return found

    def events(self, kind: type[BookUpdate | Trade], columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return *columns* of all typed events of one *kind*, in the order of their arrival."""
        wanted = ("received_ns", "seq", *columns)
        found = [row for _, path in self._files[EVENTS[kind]] for row in _rows(path, wanted)]
        found.sort(key=lambda row: row[:2])
        return [(row[0], *row[2:]) for row in found]

    def channels(self) -> set[tuple[str | None, str]]:
        """Return what was subscribed, whether anything came of it or not: the exchange's names of channels, with the
        group of sockets where something came.
        """
        heard = {
            (group, key)
            for _, path in self._files[FRAMES]
            for group, key, direction in _rows(path, ("ws_group", "key", "direction"))
            if direction == "in"
        }
        silent = {
            (None, key)
            for _, path in self._files[STATES]
            for what, key, state in _rows(path, ("what", "key", "state"))
            if what == "stream" and state == "acknowledged"
        }
        return heard | silent

    def began_ns(self) -> int:
        """Return when the first thing in it was asked for, or came."""
        first = next(self.frames(), None)
        times = [] if first is None else [first.received_ns]
        times += [sent_ns for _, path in self._files[ANSWERS] for (sent_ns,) in _rows(path, ("sent_ns",))]
        if not times:
            raise RecordingError(f"{self.folder}: no message ever arrived in it: nothing to replay")
        return min(times)


def _frames(run: str, paths: Sequence[Path]) -> Iterator[Frame]:
    for path in paths:
        for received_ns, _, group, session, direction, key, payload in _rows(path, _FRAME):
            if direction == "in":
                yield Frame(received_ns, group, key, (run, group, session), payload.encode())


def _arrival(frame: Frame) -> int:
    return frame.received_ns


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH, columns=list(columns)):
                yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise RecordingError(f"{path} cannot be read: {error}") from error


def _files(folder: Path, table: str) -> list[tuple[Path, dict[str, str]]]:
    """Return the files of *table* in the order in which they were begun, each with what it says of itself."""
    if not folder.is_dir():
        raise RecordingError(f"there is no folder {folder}")
    found = [(path, _about(path)) for path in (folder / table).glob("**/*.parquet")]
    return sorted(found, key=lambda each: (each[1]["lotusx.run"], each[0].name))


def _about(path: Path) -> dict[str, str]:
    try:
        stored = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise RecordingError(f"{path} cannot be read: {error}") from error
    about = {name.decode(): value.decode() for name, value in stored.items() if name.startswith(b"lotusx.")}
    schema = about.get("lotusx.recording")
    if schema is None:
        raise RecordingError(f"{path} was not written by the recorder of LotusX: it names no schema")
    if schema != SCHEMA:
        raise RecordingError(
            f"{path} has schema {schema}, and this version reads schema {SCHEMA}: replay it with the version of "
            "lotusx-recorder that wrote it, or record anew"
        )
    return about


def _named(exchange: str | None, environment: str | None) -> str:
    chosen = " ".join(name for name in (exchange, environment) if name is not None)
    return f" of {chosen}" if chosen else ""
