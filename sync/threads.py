"""Work done ahead and behind by threads of its own, so that two servers are kept busy at once."""

import threading
from collections.abc import Callable, Iterator
from queue import Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")
DEPTH = 2
OFTEN = 0.3
"""Seconds between two looks at whether waiting is wanted still."""


def _nothing() -> None:
    """Nothing is to be done meanwhile."""


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
    """Hands items to functions, each at work in a thread of its own.

    What a function gives for its item is called when all items before are through; so what is done
    there is done in the order in which the items came.
    """

    def __init__(self, *hands: Callable[[T], Callable[[], None]], depth: int = DEPTH) -> None:
        self._queue: Queue[tuple[int, T] | None] = Queue(depth)
        self._error: BaseException | None = None
        self._given = self._through = 0
        self._moved = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, args=(hand,), daemon=True) for hand in hands
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, hand: Callable[[T], Callable[[], None]]) -> None:
        while (given := self._queue.get()) is not None:
            if self._error is not None:
                continue
            number, item = given
            try:
                end = hand(item)
                if self._is_my_turn(number):
                    end()
            except BaseException as error:  # noqa: BLE001 - raised again by put and close
                self._fail(error)
            with self._moved:
                self._through += 1
                self._moved.notify_all()

    def _is_my_turn(self, number: int) -> bool:
        """Waits for it; there is none once something went wrong."""
        with self._moved:
            self._moved.wait_for(lambda: self._through == number or self._error is not None)
        return self._error is None

    def _fail(self, error: BaseException) -> None:
        with self._moved:
            self._error = error if self._error is None else self._error
            self._moved.notify_all()

    def put(self, item: T, meanwhile: Callable[[], None] = _nothing) -> None:
        """Hands over an item; raises what an earlier one raised.

        `meanwhile` is called now and then while there is no room, and may raise.
        """
        if self._error is not None:
            raise self._error
        self._give((self._given, item), meanwhile)
        self._given += 1

    def _give(self, given: tuple[int, T] | None, meanwhile: Callable[[], None]) -> None:
        while any(thread.is_alive() for thread in self._threads):
            try:
                self._queue.put(given, timeout=OFTEN)
            except Full:
                meanwhile()
            else:
                break

    def close(self, meanwhile: Callable[[], None] = _nothing) -> None:
        """Waits until all is done; raises what went wrong, or what `meanwhile` raises."""
        self.leave(meanwhile)
        if self._error is not None:
            raise self._error

    def stop(self, error: BaseException) -> None:
        """Has nothing more begun or ended."""
        self._fail(error)

    def leave(self, meanwhile: Callable[[], None] = _nothing) -> None:
        """Waits until what was handed over is done, whatever came of it."""
        for _ in self._threads:
            self._give(None, meanwhile)
        for thread in self._threads:
            while thread.is_alive():
                thread.join(OFTEN)
                if thread.is_alive():
                    meanwhile()
        self._threads.clear()


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
