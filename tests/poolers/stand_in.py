"""A small pooler for tests where no PgBouncer is installed, and for what PgBouncer seldom does."""

import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector

from psycopg import pq
from psycopg.pq.abc import PGconn

#: What a client may ask for before it says who it is: TLS, and GSS encryption.
_NEGOTIATIONS = (80877103, 80877104)
_REPORTED = (
    "server_version",
    "server_encoding",
    "client_encoding",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "integer_datetimes",
    "standard_conforming_strings",
)


@dataclass
class StandIn:
    """A pooler that gives a client a session of the server for the length of a transaction.

    ``keeps_until``: a client keeps its session until it says this; as None, for ever. It gives the
    session that was used last, as PgBouncer does; or, being ``fair``, the one that rested longest.
    """

    dsn: str
    keeps_until: bytes | None = b""
    fair: bool = False
    _idle: list[PGconn] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket = field(init=False)

    @contextmanager
    def serve(self) -> Iterator[int]:
        """Yield the port where it listens on 127.0.0.1."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self._listener.getsockname()[1]
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            with self._lock:
                for server in self._idle:
                    server.finish()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._work_for, args=(client,), daemon=True).start()

    def _work_for(self, client: socket.socket) -> None:
        server = None
        keeps = self.keeps_until != b""
        with client, suppress(OSError):
            self._welcome(client)
            while (said := client.recv(65536)) and not said.startswith(b"X"):
                server = server or self._take()
                said = self._exchange(client, server, said)
                keeps = keeps and (self.keeps_until is None or self.keeps_until not in said)
                if not keeps:
                    self._give_back(server)
                    server = None
        if server is not None:
            self._give_back(server)

    def _welcome(self, client: socket.socket) -> None:
        """Answer the greeting as PostgreSQL does, and with a key that is nobody's."""
        while True:
            [size] = struct.unpack("!i", _exactly(client, 4))
            [code] = struct.unpack("!i", _exactly(client, size - 4)[:4])
            if code not in _NEGOTIATIONS:
                break
            client.sendall(b"N")
        server = self._take()
        client.sendall(_message(b"R", struct.pack("!i", 0)))
        for name in _REPORTED:
            if value := server.parameter_status(name.encode()):
                client.sendall(_message(b"S", name.encode() + b"\0" + value + b"\0"))
        client.sendall(_message(b"K", struct.pack("!ii", 1, 1)) + _message(b"Z", b"I"))
        self._give_back(server)

    def _exchange(self, client: socket.socket, server: PGconn, said: bytes) -> bytes:
        """Carry what both say to the end of the transaction; return what the client said."""
        stream = socket.socket(fileno=os.dup(server.socket))
        stream.setblocking(True)
        with stream, DefaultSelector() as selector:
            stream.sendall(said)
            selector.register(client, EVENT_READ, stream)
            selector.register(stream, EVENT_READ, client)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is client:
                        if not (more := client.recv(65536)) or more.startswith(b"X"):
                            raise ConnectionError
                        stream.sendall(more)
                        said += more
                        continue
                    kind = _exactly(stream, 1)
                    size = _exactly(stream, 4)
                    body = _exactly(stream, struct.unpack("!i", size)[0] - 4)
                    client.sendall(kind + size + body)
                    if (kind, body) == (b"Z", b"I"):
                        return said

    def _take(self) -> PGconn:
        """Return an idle session, or a new one."""
        with self._lock:
            if self._idle:
                return self._idle.pop(0 if self.fair else -1)
        server = pq.PGconn.connect(self.dsn.encode())
        assert server.status == pq.ConnStatus.OK, server.error_message
        return server

    def _give_back(self, server: PGconn) -> None:
        with self._lock:
            self._idle.append(server)


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _exactly(stream: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        if not (more := stream.recv(size - len(read))):
            raise ConnectionError
        read += more
    return read
