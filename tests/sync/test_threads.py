"""Work handed to threads: what it gives is ended in order, and an error stops all of it."""

import threading
from collections.abc import Callable

import pytest

from sync.threads import Behind


def test_what_two_do_ends_in_the_order_it_came() -> None:
    """Though the second of each pair is through long before the first."""
    done, ended = list[int](), list[int]()
    second = threading.Semaphore(0)

    def work(item: int) -> Callable[[], None]:
        if item % 2:
            second.release()
        else:
            assert second.acquire(timeout=10)
        done.append(item)
        return lambda: ended.append(item)

    behind = Behind(work, work)
    for item in range(20):
        behind.put(item)
    behind.close()

    assert list(range(20)) == ended
    assert sorted(done) == ended


def put_all(behind: Behind[int], count: int) -> None:
    """Hands over so many items."""
    for item in range(count):
        behind.put(item)


@pytest.mark.parametrize("hands", [1, 2])
@pytest.mark.parametrize("given", [1, 20])
def test_nobody_waits_for_ever_for_what_is_stuck(hands: int, given: int) -> None:
    """Neither while there is no room for more nor at the end; nothing else is begun or ended."""
    begun, ended, free = list[int](), list[int](), threading.Event()

    def work(item: int) -> Callable[[], None]:
        begun.append(item)
        free.wait(60)
        return lambda: ended.append(item)

    def enough() -> None:
        raise ValueError("enough")

    def all_of_them() -> None:
        for item in range(given):
            behind.put(item, enough)
        behind.close(enough)

    behind = Behind(*[work] * hands)
    with pytest.raises(ValueError, match="enough") as raised:
        all_of_them()
    behind.stop(raised.value)
    behind.leave(free.set)

    assert [*range(min(given, hands))] == sorted(begun)
    assert ended == []


@pytest.mark.parametrize("hands", [1, 2, 3])
@pytest.mark.parametrize("late", [False, True])
def test_nothing_ends_behind_what_failed(hands: int, late: bool) -> None:
    """Whether that was at work or at its end; and nobody waits for a turn that never comes."""
    ended = list[int]()

    def fail() -> None:
        raise ValueError("the fourth")

    def work(item: int) -> Callable[[], None]:
        if item == 3 and not late:
            fail()
        return fail if item == 3 else lambda: ended.append(item)

    behind = Behind(*[work] * hands)
    with pytest.raises(ValueError, match="the fourth"):
        put_all(behind, 50)
    with pytest.raises(ValueError, match="the fourth"):
        behind.close()

    assert [0, 1, 2] == ended
    behind.leave()
