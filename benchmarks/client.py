"""A cheap HTTP load: many connections kept alive over raw sockets, in a process of its own.

Reads a line of JSON a time, `{"host", "port", "seconds", "connections", "requests"}`, and
answers each with the number of responses and the seconds they took. `requests` is a file of whole
requests without their ends, a blank line between them; all connections share one walk over them.
"""

import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

END = b"\r\n\r\n"
LENGTH = b"content-length:"


class Connection:
    """One socket that sends the next request as soon as a response is whole."""

    def __init__(self, address: tuple[str, int], requests: Iterator[bytes]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests
        self._received = b""
        self._wanted = 0
        self.socket.sendall(next(requests))

    def read(self) -> int:
        """Takes what has come; 1 where it completes a response, which sends the next request."""
        piece = self.socket.recv(262_144)
        if not piece:
            raise ConnectionError("the server closed a connection that was to be kept")
        self._received = self._received + piece if self._received else piece
        if not self._wanted:
            self._wanted = whole_length(self._received)
        if not self._wanted or len(self._received) < self._wanted:
            return 0
        self._received, self._wanted = b"", 0
        self.socket.sendall(next(self._requests))
        return 1


def whole_length(received: bytes) -> int:
    """Bytes of the response that begins here, 0 while its head isn't whole; only 200 will do."""
    head, found, _ = received.partition(END)
    if not found:
        return 0
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(received[:500].decode(errors="replace"))
    _, _, rest = head.lower().partition(LENGTH)
    return len(head) + len(END) + int(rest.split(b"\r\n", 1)[0])


def load(order: dict[str, str], requests: list[bytes]) -> tuple[int, float]:
    """Loads a server for so many seconds; gives the number of responses and the time."""
    address = order["host"], int(order["port"])
    turns = cycle(requests)
    with selectors.DefaultSelector() as selector:
        for _ in range(int(order["connections"])):
            connection = Connection(address, turns)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        began = time.perf_counter()
        until = began + float(order["seconds"])
        done = 0
        while time.perf_counter() < until:
            for key, _ in selector.select(1.0):
                done += key.data.read()
        taken = time.perf_counter() - began
        for key in list(selector.get_map().values()):
            key.data.socket.close()
    return done, taken


def main() -> None:
    """Answers orders until the standard input ends."""
    known: dict[str, list[bytes]] = {}
    for line in sys.stdin:
        order = json.loads(line)
        name = order["requests"]
        if name not in known:
            known[name] = [each + END for each in Path(name).read_bytes().split(b"\n\n")]
        print(*load(order, known[name]), flush=True)


if __name__ == "__main__":
    main()
