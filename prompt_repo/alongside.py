"""Two things at one time: one on a thread of its own, while the caller does another."""

import threading
from collections.abc import Callable


def both(work: Callable[[], None], meanwhile: Callable[[], None] | None) -> None:
    """Does `work`, and `meanwhile` something else if there is any; both are over afterwards.

    It is `work` that is done on another thread, and its error that is raised where both fail.
    """
    if meanwhile is None:
        work()
        return
    failed: list[BaseException] = []

    def attempt() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    thread = threading.Thread(target=attempt, name="alongside")
    thread.start()
    try:
        meanwhile()
    finally:
        thread.join()
        if failed:
            raise failed[0]
