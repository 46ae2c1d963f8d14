"""What somebody chose to promote: read from a form, carried from page to page, made an order."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from werkzeug.datastructures import MultiDict

from prompt_repo import documents
from prompt_repo.drift import Drift, Plan, State
from prompt_repo.promotion import Decision, Order, Side
from webapp.board import Filters, group_of

GOES = (State.AHEAD, State.DIVERGED)
WRITTEN = "text"
"""The choice of a text of one's own, beside the two sides."""
LONG = 200


@dataclass(frozen=True)
class Selection:
    """Ticks and choices. `everything` is all that fits `filters`; what is in `left` stays.

    `rest` is what becomes of diverged documents that nothing is decided about one by one; those
    in `asked` were picked, and their decision is not good yet.
    """

    filters: Filters = field(default_factory=Filters)
    everything: bool = False
    groups: frozenset[str] = frozenset()
    emotions: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    choices: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    rest: str = ""
    asked: frozenset[str] = frozenset()

    @classmethod
    def typed(cls, form: MultiDict[str, str]) -> "Selection":
        """What a form brought."""
        unfit = form.getlist("unfit") if form.get("without") == "unfit" else []
        return cls(
            filters=Filters.asked(form),
            everything=form.get("all") == "1",
            groups=frozenset(form.getlist("of-group")),
            emotions=frozenset(form.getlist("of-emotion")),
            paths=frozenset(form.getlist("path")),
            left=frozenset(form.getlist("left") + unfit) - frozenset(form.getlist("back")),
            choices=dict(_named(form, "decide.")),
            texts=dict(_named(form, "text.")),
            rest=form.get("rest", ""),
        )

    @property
    def empty(self) -> bool:
        """Whether nothing was chosen at all."""
        return not (self.everything or self.groups or self.emotions or self.paths or self.choices)

    def fields(self) -> Iterator[tuple[str, str]]:
        """The hidden fields that bring this selection to the next page, but for decisions."""
        yield from self.filters.fields()
        if self.everything:
            yield "all", "1"
        for name, values in (
            ("of-group", self.groups),
            ("of-emotion", self.emotions),
            ("path", self.paths),
            ("left", self.left),
        ):
            yield from ((name, value) for value in sorted(values))

    def chosen(self, plan: Plan, fitting: Collection[Drift]) -> set[str]:
        """The paths that go; `fitting` are those that pass the filters.

        What was rolled back, and what only production moved, goes only where it is named.
        """
        named = {path for path in self.paths if path in plan.by_path}
        wide = (item for item in plan.items if self._within(item) and item.state in GOES)
        found = named | {item.path for item in wide} | {*self._decided(plan)}
        if self.everything:
            also = (State.HELD_BACK,) if self.filters.state is State.HELD_BACK else ()
            found |= {item.path for item in fitting if item.state in (*GOES, *also)}
        able = (path for path in found if plan.by_path[path].state is not State.HOTFIXED)
        return {path for path in able if path not in self.left}

    def without(self, paths: Iterable[str]) -> "Selection":
        """The same, with these left out."""
        return replace(self, left=self.left | {*paths})

    def decisions(self, plan: Plan, paths: Iterable[str]) -> dict[str, Decision]:
        """What becomes of those of the paths that diverged, as far as it is decided."""
        found: dict[str, Decision] = {}
        for path in paths:
            if plan.by_path[path].state is not State.DIVERGED:
                continue
            choice = self.choices.get(path) or self.rest
            if choice in tuple(Side):
                found[path] = Side(choice)
            elif choice == WRITTEN and path in self.texts:
                found[path] = str(documents.normalise(self.texts[path]))
        return found

    def order(self, plan: Plan, chosen: Collection[str]) -> Order:
        """The order that takes what was chosen: everything, where nothing that is ahead stays.

        Where nothing is ahead, what was rolled back goes by its name alone.
        """
        decisions = self.decisions(plan, chosen)
        ahead = set(plan.paths(*GOES))
        if ahead and ahead <= set(chosen):
            held = [path for path in plan.paths(State.HELD_BACK) if path in chosen]
            return Order(None, held, decisions)
        return Order(sorted(chosen), (), decisions)

    def _within(self, item: Drift) -> bool:
        return group_of(item) in self.groups or (
            item.place.emotion is not None and item.place.emotion in self.emotions
        )

    def _decided(self, plan: Plan) -> Iterator[str]:
        for path in (*self.choices, *self.asked):
            if path in plan.by_path and plan.by_path[path].state is State.DIVERGED:
                yield path


def _named(form: MultiDict[str, str], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in form.items():
        if name.startswith(prefix) and len(name) < LONG and value:
            yield name.removeprefix(prefix), value
