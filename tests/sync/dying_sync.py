"""Runs one sync and kills itself, as kill -9 does, at the commit whose number it is told."""

import os
import signal
import sys
from collections.abc import Callable

from sync import rules
from sync.filling import HANDS
from sync.keyed import Key
from sync.run import Options, run
from sync.tables import Target, open_source, open_target
from sync.tables_postgres_target import PostgresTarget


def die_at(target: Target, number: int, before: bool) -> None:
    """Has the target kill this process right before or behind its so-many-th commit."""
    left = [number]

    def dying(commit: Callable[[], None]) -> Callable[[], None]:
        def and_die() -> None:
            left[0] -= 1
            if before and left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            commit()
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        return and_die

    target.commit = dying(target.commit)  # type: ignore[method-assign]
    if isinstance(target, PostgresTarget):
        for writer in target.writers(HANDS):
            writer.commit = dying(writer.commit)  # type: ignore[method-assign]


def main() -> None:
    """Source, target, file of rules, key, number of the commit, and `before` or `behind` it.

    Behind them stands `last` where indexes are to be built last.
    """
    source, target, file, key, number, when, *last = sys.argv[1:]
    staging = open_target(target)
    die_at(staging, int(number), when == "before")
    with open(file) as text:  # noqa: PTH123
        options = Options(indexes_last=last == ["last"])
        run(open_source(source), staging, rules.parse(text.read()), Key(key), options)


if __name__ == "__main__":
    main()
