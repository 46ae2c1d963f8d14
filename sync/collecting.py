"""Batches gone through without the collector of garbage, which would look through them for nothing.

A batch makes tens of thousands of rows that all are in use. The collector, called by their number,
looks through them and through all that the program holds: a quarter of a small run's time.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Puts the collector off until a batch is over; what is let go of by reference goes at once."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
