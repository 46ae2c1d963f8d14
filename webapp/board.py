"""The promotion board: what differs between the environments, by character, narrowed by filters."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import groupby

from werkzeug.datastructures import MultiDict

from prompt_repo.differences import news
from prompt_repo.drift import Drift, Plan, State, compare, held_back
from prompt_repo.folding import asked, fold
from prompt_repo.layout import Kind, Place, place_of
from prompt_repo.model import Character, Commit, Configuration, Emotion, Held, Prompt, Version
from prompt_repo.repository import Repository
from prompt_repo.searching import hay

PAGE = 100  # documents; a group is never split, so a page may have some more
NEWS = 20  # versions looked at for one line
CHOICES = 500  # values one filter offers
SETTINGS, DEFAULTS = "_settings", "_defaults"  # no character can have these ids
STATES: Mapping[State, str] = {
    State.AHEAD: "only staging moved; it goes when promoted",
    State.DIVERGED: "both moved; somebody has to choose",
    State.HELD_BACK: "rolled back in production; it goes only when picked on purpose",
    State.HOTFIXED: "only production moved; there is nothing to promote",
}


@dataclass(frozen=True)
class Filters:
    """What the lines of the board have in common; empty: all are there."""

    query: str = ""
    state: State | None = None
    character: str = ""
    emotion: str = ""
    author: str = ""

    @classmethod
    def asked(cls, told: MultiDict[str, str]) -> "Filters":
        """What a query or a form says."""
        state = told.get("state", "")
        return cls(
            query=told.get("q", "").strip()[:200],
            state=State(state) if state in tuple(State) else None,
            character=told.get("character", "")[:64],
            emotion=told.get("emotion", "")[:64],
            author=told.get("author", "")[:200],
        )

    @property
    def narrow(self) -> bool:
        """Whether there is any."""
        return self != Filters()

    def fields(self) -> Iterator[tuple[str, str]]:
        """The same as a query or a form says it."""
        for each in fields(self):
            value = getattr(self, each.name)
            if value:
                yield "q" if each.name == "query" else each.name, str(value)


@dataclass(frozen=True)
class Line:
    """A document that differs, and what there is to say of it.

    `versions` are those that are new, of the side that moved; `note` is why it is held back.
    """

    item: Drift
    whose: str
    title: str
    emotion: Emotion | None
    versions: tuple[Version, ...]
    fixes: tuple[Version, ...]
    held_by: Commit | None = None

    @property
    def path(self) -> str:
        """Its file."""
        return self.item.path

    @property
    def state(self) -> State:
        """How it differs."""
        return self.item.state

    @property
    def name(self) -> str:
        """What it is called where no group says whose it is."""
        return f"{self.whose}, {self.title[:1].lower()}{self.title[1:]}"

    @property
    def people(self) -> list[str]:
        """Who wrote what is new, the latest first."""
        return list(dict.fromkeys(each.author.name for each in (*self.versions, *self.fixes)))

    @property
    def newest(self) -> Version | None:
        """The latest of what is new."""
        both = (*self.versions, *self.fixes)
        return max(both, key=lambda version: version.created_at) if both else None

    @property
    def promotable(self) -> bool:
        """Whether it can go to production."""
        return self.state is not State.HOTFIXED


@dataclass(frozen=True)
class Group:
    """The lines of one character, of the defaults, or of the settings."""

    id: str
    name: str
    lines: list[Line]


@dataclass(frozen=True)
class Board:
    """A page of the board; `fitting` are all documents that pass the filters."""

    plan: Plan
    filters: Filters
    groups: list[Group]
    fitting: list[Drift]
    next_after: str | None
    counts: Mapping[State, int]
    characters: Mapping[str, str]
    emotions: Mapping[str, str]
    authors: list[str]

    @property
    def ahead(self) -> int:
        """How many of those that fit go with everything."""
        return sum(item.state in (State.AHEAD, State.DIVERGED) for item in self.fitting)


def board(repository: Repository, filters: Filters, after: str = "") -> Board:
    """The groups that pass the filters: settings, defaults, then characters by name."""
    plan = compare(repository)
    known = known_of(repository, plan)
    fit = list(known.fitting(filters))
    groups: list[Group] = []
    shown, next_after, passed = 0, None, not after
    for ident, items in groupby(fit, group_of):
        if passed and shown >= PAGE:
            next_after = groups[-1].id
            break
        if passed:
            groups.append(Group(ident, known.name(ident), [known.line(item) for item in items]))
            shown += len(groups[-1].lines)
        passed = passed or ident == after
    return Board(
        plan=plan,
        filters=filters,
        groups=groups,
        fitting=fit,
        next_after=next_after,
        counts={state: len(plan.paths(state)) for state in State},
        characters=known.characters,
        emotions=known.emotions,
        authors=sorted({*known.authors.values()}, key=str.casefold)[:CHOICES],
    )


def known_of(repository: Repository, plan: Plan) -> "Known":
    """What is known of a plan; kept with staging's catalogue while neither branch moves."""
    kept = repository.catalogue(plan.staging).kept
    known: Known | None = kept.get(known_of)
    if known is None or known.plan is not plan:
        known = kept[known_of] = Known(repository, plan)
    return known


def group_of(item: Drift) -> str:
    """The id of the group a document belongs to."""
    return _group(item.place)


def _group(place: Place) -> str:
    if place.kind is Kind.CONFIGURATION:
        return SETTINGS
    return place.character or DEFAULTS


class Known:
    """What a board says of documents, gathered from both catalogues."""

    def __init__(self, repository: Repository, plan: Plan) -> None:
        self._repository, self.plan = repository, plan
        self._staging = repository.catalogue(plan.staging)
        self._production = repository.catalogue(plan.production)
        self._held = held_back(repository, plan.production)
        self.authors = _authors(repository, plan)

    def fitting(self, filters: Filters) -> Iterator[Drift]:
        """The documents that pass, in the order of the board."""
        wanted = asked(filters.query)
        for item in self.everything:
            if (
                (filters.state is None or item.state is filters.state)
                and (not filters.character or group_of(item) == filters.character)
                and (not filters.emotion or item.place.emotion == filters.emotion)
                and (not filters.author or self.authors.get(item.path) == filters.author)
                and (not filters.query or (bool(wanted) and self._says(item, wanted)))
            ):
                yield item

    @cached_property
    def everything(self) -> list[Drift]:
        """All that differs, in the order of the board."""
        return self.ordered(self.plan.items)

    def ordered(self, items: Iterable[Drift]) -> list[Drift]:
        """The documents group by group, each in the order of the emotions."""
        rank = {name: place for place, name in enumerate(self.emotions)}
        return sorted(
            items, key=lambda item: (*self._rank(item), rank.get(item.place.emotion or "", -1))
        )

    def lines(self, paths: Iterable[str], most: int) -> list[Line]:
        """The first of some documents, in the order of the board."""
        found = self.ordered(self.plan.by_path[path] for path in paths)
        return [self.line(item) for item in found[:most]]

    def line(self, item: Drift) -> Line:
        """All about one document."""
        ours, theirs = news(self._repository, self.plan, item, NEWS)
        by = self._held.get(item.path) if item.state is State.HELD_BACK else None
        return Line(
            item=item,
            whose=self.name(group_of(item)),
            title=self._title(item.place),
            emotion=self._emotion(item.place.emotion),
            versions=ours,
            fixes=theirs if item.state is not State.HELD_BACK else (),
            held_by=self._repository.store.header(by) if by else None,
        )

    def called(self, path: str) -> str:
        """What a document is called, in the plan or not; of nobody we know the path."""
        place = place_of(path)
        if place is None:
            return path
        title = self._title(place)
        return f"{self.name(_group(place))}, {title[:1].lower()}{title[1:]}"

    def name(self, group: str) -> str:
        """What a group is called."""
        if group == SETTINGS:
            return "Settings"
        return "Defaults" if group == DEFAULTS else self._character(group)

    @cached_property
    def characters(self) -> Mapping[str, str]:
        """The groups that differ, by id, in the order of the board."""
        found = dict.fromkeys(group_of(item) for item in self.everything)
        return {ident: self.name(ident) for ident in list(found)[:CHOICES]}

    @cached_property
    def emotions(self) -> Mapping[str, str]:
        """The emotions of prompts that differ, with their labels, in the repository's order."""
        differ = {item.place.emotion for item in self.plan.items if item.place.emotion}
        order = [each.id for side in self._configurations() for each in side.emotions]
        known = [ident for ident in dict.fromkeys([*order, *sorted(differ)]) if ident in differ]
        return {ident: found.label if (found := self._emotion(ident)) else ident for ident in known}

    def _configurations(self) -> list[Configuration]:
        sides = (self._staging.tables.configuration, self._production.tables.configuration)
        return [each[1] for each in sides if each and isinstance(each[1], Configuration)]

    def _emotion(self, ident: str | None) -> Emotion | None:
        found = (side.by_id.get(ident or "") for side in self._configurations())
        return next((each for each in found if each is not None), None)

    def _title(self, place: Place) -> str:
        if place.kind is Kind.CONFIGURATION:
            return "Emotions, variables and limits"
        if place.kind is Kind.CHARACTER:
            return "Name, tags and variables"
        found = self._emotion(place.emotion)
        return found.label if found else place.emotion or ""

    def _rank(self, item: Drift) -> tuple[int, str, str]:
        group = group_of(item)
        if group in (SETTINGS, DEFAULTS):
            return (0 if group == SETTINGS else 1, "", "")
        return 2, fold(self._character(group)), group

    def _character(self, ident: str) -> str:
        for side in (self._staging, self._production):
            found = side.tables.folders.get(ident, {}).get("")
            if found and isinstance(found[1], Character):
                return found[1].name
        return ident

    def _says(self, item: Drift, wanted: tuple[str, ...]) -> bool:
        text = fold(f"{self.name(group_of(item))} {self._title(item.place)} {item.path}")
        for side in (self._staging, self._production):
            files = side.tables.folders.get(item.place.character or "", {})
            found = files.get(item.place.emotion or "")
            if found and isinstance(found[1], Prompt):
                text += "\n" + hay(found[1])
        return all(word in text for word in wanted)


def _authors(repository: Repository, plan: Plan) -> Mapping[str, str]:
    """Who wrote what is new of each document."""
    moved = {item.path: _moved(item) for item in plan.items}
    names = repository.history.authors(held.row for held in moved.values() if held)
    return {path: names[held.row] for path, held in moved.items() if held}


def _moved(item: Drift) -> Held | None:
    """The side that moved last, as far as the state tells."""
    return item.production if item.state is State.HOTFIXED or not item.staging else item.staging
