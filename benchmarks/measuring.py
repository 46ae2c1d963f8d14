"""Interleaved rounds, the ratios that come out of them, and the table they are printed in."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

from rich.console import Console
from rich.table import Table
from rich.text import Text

Times = Mapping[str, Sequence[float]]


class Scale(Enum):
    """How much is measured: the budgets' own sizes, a tenth or so, or just enough to run."""

    FULL = 0
    QUICK = 1
    TINY = 2

    def of(self, *values: int) -> int:
        """The value for this scale out of (full, quick, tiny)."""
        return values[self.value]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a ratio, the spread of its middle half, and its budget if any."""

    what: str
    ratio: float
    low: float
    high: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the budget holds; None where there is none."""
        if self.at_most is not None:
            return self.ratio <= self.at_most
        return self.ratio >= self.at_least if self.at_least is not None else None

    @property
    def budget(self) -> str:
        """The budget as the table shows it."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return f"≥ {self.at_least:g}" if self.at_least is not None else ""


def interleaved(
    contestants: Mapping[str, Callable[[], object]],
    rounds: int,
    before: Callable[[], object] = lambda: None,
) -> Times:
    """Seconds of each contestant in each round; every round runs all of them, in turning order.

    What comes `before` each is not timed.
    """
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for _ in range(rounds):
        for name in names:
            before()
            gc.collect()
            began = time.perf_counter()
            contestants[name]()
            taken[name].append(time.perf_counter() - began)
        names = names[1:] + names[:1]
    return taken


def ratio(
    what: str,
    times: Times,
    over: str,
    under: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Row:
    """The median of the rounds' ratios of two contestants, beside its budget."""
    ratios = sorted(a / b for a, b in zip(times[over], times[under], strict=True))
    quarter = len(ratios) // 4
    low, high = ratios[quarter], ratios[-1 - quarter]
    return Row(what, median(ratios), low, high, at_most, at_least)


def table(title: str, rows: Sequence[Row]) -> Table:
    """The rows as a table."""
    drawn = Table(title=title, title_justify="left")
    drawn.add_column("what")
    for name in ("ratio", "middle half", "budget"):
        drawn.add_column(name, justify="right", no_wrap=True)
    drawn.add_column("met")
    for row in rows:
        met = Text({True: "yes", False: "NO", None: ""}[row.met])
        spread = f"{_short(row.low)} to {_short(row.high)}"
        drawn.add_row(row.what, _short(row.ratio), spread, row.budget, met)
    return drawn


def _short(number: float) -> str:
    return f"{number:.3g}" if number < 1000 else f"{number:,.0f}"


def show(title: str, rows: Sequence[Row]) -> None:
    """Prints a table at a width that a log keeps."""
    Console(width=110).print(table(title, rows))
