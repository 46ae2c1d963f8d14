"""Two things at one time."""

import threading

import pytest

from prompt_repo.alongside import both


def test_both_are_done_on_two_threads() -> None:
    """Each may wait for the other; what is alone is done here."""
    begun, threads = threading.Barrier(2, timeout=30), []

    def take_part() -> None:
        threads.append(threading.current_thread())
        begun.wait()

    both(take_part, take_part)
    both(lambda: threads.append(threading.current_thread()), None)

    assert 2 == len({*threads[:2]})
    assert threading.current_thread() is threads[2]


def test_what_fails_is_raised_once_the_other_is_over() -> None:
    """The work's error first, for the other is only done beside it."""
    done: list[str] = []

    def fail() -> None:
        raise ValueError("the work")

    def fail_too() -> None:
        done.append("meanwhile")
        raise KeyError("meanwhile")

    with pytest.raises(ValueError, match="the work"):
        both(fail, fail_too)
    with pytest.raises(KeyError):
        both(lambda: done.append("work"), fail_too)
    assert ["meanwhile", "meanwhile", "work"] == sorted(done)
