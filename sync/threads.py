"""Work done ahead and behind by threads of its own, so that two servers are kept busy at once."""

import threading
from collections.abc import Callable, Iterator
from queue import Queue
from typing import Generic, TypeVar

T = TypeVar("T")
DEPTH = 2


class Ahead(Generic[T]):
    """Items, the next few of which are already being fetched by a thread of its own."""

    def __init__(self, items: Iterator[T], depth: int = DEPTH) -> None:
        """At most `depth` of them are held."""
        self._items = items
        self._queue: Queue[tuple[T | None, BaseException | None, bool]] = Queue(depth)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._fetch, daemon=True)
        self._thread.start()

    def _fetch(self) -> None:
        try:
            for item in self._items:
                self._queue.put((item, None, False))
                if self._stopped.is_set():
                    return
            self._queue.put((None, None, True))
        except BaseException as error:  # noqa: BLE001 - it is raised again where the items are used
            self._queue.put((None, error, True))

    def __iter__(self) -> Iterator[T]:
        """The items; raises what fetching one raised."""
        try:
            while True:
                item, error, last = self._queue.get()
                if error is not None:
                    raise error
                if last:
                    return
                yield item  # type: ignore[misc]
        finally:
            self.close()

    def close(self) -> None:
        """Fetches no more; waits for the one that is being fetched."""
        self._stopped.set()
        while self._thread.is_alive():
            while not self._queue.empty():
                self._queue.get()
            self._thread.join(0.01)


def ahead(items: Iterator[T], depth: int = DEPTH) -> Iterator[T]:
    """The items, the next few of which are already being fetched once the first is asked for."""
    yield from Ahead(items, depth)


class Behind(Generic[T]):
    """Hands items to a function that works in a thread of its own; closing waits for the last."""

    def __init__(self, do: Callable[[T], None], depth: int = DEPTH) -> None:
        self._queue: Queue[T | None] = Queue(depth)
        self._do = do
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._do(item)
                except BaseException as error:  # noqa: BLE001 - raised again by put and close
                    self._error = error

    def put(self, item: T) -> None:
        """Hands over an item; raises what an earlier one raised."""
        if self._error is not None:
            raise self._error
        self._queue.put(item)

    def close(self) -> None:
        """Waits until all is done; raises what went wrong."""
        self.leave()
        if self._error is not None:
            raise self._error

    def leave(self) -> None:
        """Waits until what was handed over is done, whatever came of it."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()


class Soon(Generic[T]):
    """What a function gives, which is at work already in a thread of its own."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._made = self._make()
        except BaseException as error:  # noqa: BLE001 - raised again by get
            self._error = error

    def get(self) -> T:
        """Waits for it; raises what went wrong."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._made  # type: ignore[return-value]

    def end(self, how: Callable[[T], None]) -> None:
        """Waits for it, and has it ended if it came about."""
        self._thread.join()
        if self._made is not None:
            how(self._made)
