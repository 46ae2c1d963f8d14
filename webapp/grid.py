"""What the matrix shows: characters by emotions, each cell its state, narrowed by filters."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from prompt_repo.catalogue import Catalogue, Found
from prompt_repo.drift import State, compare
from prompt_repo.folding import asked
from prompt_repo.model import Emotion, PromptKey, Source
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.searching import (
    AUTHOR,
    DEFAULTS,
    PROMPT_TAG,
    TAG,
    Entry,
    Index,
    Matches,
    says,
)
from webapp.formatting import SOURCES

PAGE = 250  # characters
KEPT = 2_000  # rows, and kinds of cells, that are kept made
CHOICES = 500  # values one filter offers; those that most folders have
DRIFT = {
    State.AHEAD: "ahead of production",
    State.HOTFIXED: "production has a hotfix",
    State.DIVERGED: "both environments changed it",
    State.HELD_BACK: "held back in production",
}
BY_NAME = {source.value: source for source in Source}
QUIET = " quiet"  # the look of a cell that does not pass the filters
Test = Callable[[str, Source, str], bool]
"""Whether a cell passes, by its emotion, its source and its drift."""
Place = tuple[str, str]
"""A folder and an emotion; "" is the folder of the defaults, and a character's own file."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the cells that are lit have in common; empty: all are."""

    query: str = ""
    source: Source | None = None
    author: str = ""
    tag: str = ""
    drift: bool = False

    @classmethod
    def asked(cls, given: Mapping[str, str]) -> "Filters":
        """What a query string or a form asks for."""
        return cls(
            query=given.get("q", "").strip()[:200],
            source=BY_NAME.get(given.get("source", "")),
            author=given.get("author", "")[:200],
            tag=given.get("tag", "")[:64],
            drift=given.get("drift") == "1",
        )

    def query_string(self) -> dict[str, str]:
        """What `asked` reads."""
        told = {"q": self.query, "author": self.author, "tag": self.tag}
        told["source"] = self.source.value if self.source else ""
        told["drift"] = "1" if self.drift else ""
        return {name: value for name, value in told.items() if value}

    @property
    def narrow_cells(self) -> bool:
        """Whether a row may have cells that do not pass."""
        return self != Filters()


@dataclass(frozen=True, slots=True)
class Cell:
    """One prompt at a glance: `look` is a list of classes, `label` says the same in words."""

    emotion: str
    look: str
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """A character's cells, or those of the defaults (`id` is empty); `drift` is of its settings."""

    id: str
    name: str
    cells: list[Cell]
    drift: str = ""


@dataclass(frozen=True)
class Grid:
    """A page of the matrix; `total` is None where only looking at every cell would tell."""

    emotions: tuple[Emotion, ...]
    rows: list[Row]
    filters: Filters
    total: int | None
    next_after: str | None
    authors: Mapping[str, int]
    tags: Mapping[str, int]


def grid(repository: Repository, environment: str, filters: Filters, after: str = "") -> Grid:
    """The rows in which a cell passes all filters, by name, after the character `after`."""
    catalogue = repository.current(environment)
    index = repository.indexes.of(catalogue)
    rows = _Rows(catalogue, index, drifts(repository))
    matches = _candidates(index, filters)
    found = rows.lit(matches.after(after), filters)
    page = list(islice(found, PAGE + 1))
    more = len(page) > PAGE
    page = page[:PAGE]
    if not after:
        page = [*rows.lit(iter([DEFAULTS] * (DEFAULTS in index.entries)), filters), *page]
    return Grid(
        emotions=catalogue.configuration.emotions,
        rows=page,
        filters=filters,
        total=None if filters.narrow_cells else len(matches),
        next_after=page[-1].id if more else None,
        authors=_choices(index, filters.author, AUTHOR),
        tags=_choices(index, filters.tag, TAG, PROMPT_TAG),
    )


def passing(repository: Repository, environment: str, filters: Filters) -> Iterator[PromptKey]:
    """Every cell that passes all filters: the defaults' first, then character by character."""
    catalogue = repository.current(environment)
    index = repository.indexes.of(catalogue)
    rows = _Rows(catalogue, index, drifts(repository))
    folders = [*([DEFAULTS] * (DEFAULTS in index.entries)), *_candidates(index, filters).after("")]
    for found in rows.lit(folders, filters):
        for cell in found.cells:
            if not cell.look.endswith(QUIET):
                yield PromptKey(found.id or None, cell.emotion)


def row(repository: Repository, environment: str, character: str) -> Row:
    """One row, without filters: a character's, or for "" that of the defaults.

    Raises CharacterNotFound.
    """
    catalogue = repository.current(environment)
    if character:
        catalogue.character(character)
    index = repository.indexes.of(catalogue)
    rows = _Rows(catalogue, index, drifts(repository))
    return next(rows.lit(iter([character]), Filters()))


def drifts(repository: Repository) -> Mapping[Place, str]:
    """How documents differ between the environments now, in words; kept while neither moves."""
    staging, production = repository.current(STAGING), repository.current(PRODUCTION)
    known = staging.kept.get(drifts)
    if known is None or known[0] != production.commit:
        items = compare(repository).items
        places = {(item.place.character or "", item.place.emotion or ""): item for item in items}
        found = {place: DRIFT[item.state] for place, item in places.items()}
        known = staging.kept[drifts] = production.commit, found
    return known[1]


@lru_cache(KEPT)
def _cell(emotion: str, label: str, source: Source, number: int, moved: str, lit: bool) -> Cell:
    """Made once for all the cells that say the same; `number` is 0 where nothing stands."""
    look, said = source.value, SOURCES[source]
    if number:
        said = f"{said}, version {number}"
    if moved:
        look, said = f"{look} drifts", f"{said}, {moved}"
    return Cell(emotion, look if lit else look + QUIET, f"{label}: {said}")


class _Rows:
    """Makes rows out of what one commit holds; whole ones are kept while neither branch moves."""

    def __init__(self, catalogue: Catalogue, index: Index, drift: Mapping[Place, str]) -> None:
        self._index, self._drift = index, drift
        self._emotions = [(each.id, each.label) for each in catalogue.configuration.emotions]
        defaults = index.entries.get(DEFAULTS)
        self._defaults: Mapping[str, Found] = defaults.files if defaults else {}
        known = catalogue.kept.get(_Rows)
        if known is None or known[0] is not drift:
            known = catalogue.kept[_Rows] = drift, {}
        self._whole: dict[str, Row] = known[1]

    def lit(self, folders: Iterable[str], filters: Filters) -> Iterator[Row]:
        """The rows of those folders in which a cell passes the filters."""
        for folder in folders:
            if not filters.narrow_cells:
                yield self._kept(folder)
                continue
            row = self._row(folder, filters)
            if any(not cell.look.endswith(QUIET) for cell in row.cells):
                yield row

    def _kept(self, folder: str) -> Row:
        found = self._whole.get(folder)
        if found is None:
            found = self._row(folder, Filters())
            if len(self._whole) < KEPT:
                self._whole[folder] = found
        return found

    def _row(self, folder: str, filters: Filters) -> Row:
        entry = self._index.entries[folder]
        name = entry.character.name if entry.character else "Defaults"
        cells = list(self._cells(entry, _test(entry, filters)))
        return Row(folder, name, cells, self._drift.get((folder, ""), ""))

    def _cells(self, entry: Entry, passes: "Test | None") -> Iterator[Cell]:
        folder = entry.character.id if entry.character else DEFAULTS
        files, defaults, drift = entry.files, self._defaults, self._drift
        for emotion, label in self._emotions:
            found, source = files.get(emotion), Source.CHARACTER if folder else Source.GLOBAL
            moved = drift.get((folder, emotion), "")
            if found is None:
                found = defaults.get(emotion)
                source = Source.GLOBAL if found else Source.MISSING
                moved = moved or drift.get((DEFAULTS, emotion), "")
            lit = passes is None or passes(emotion, source, moved)
            yield _cell(emotion, label, source, found[0].number if found else 0, moved, lit)


def _test(entry: Entry, filters: Filters) -> Test | None:
    """Whether a cell of this row passes; None where every cell does."""
    if not filters.narrow_cells:
        return None
    wanted = asked(filters.query)
    named = all(word in entry.names for word in wanted) if wanted else not filters.query
    own_tag = entry.character is not None and filters.tag in entry.character.tags
    prompts = dict(entry.prompts()) if not named or filters.tag else {}

    def passes(emotion: str, source: Source, moved: str) -> bool:
        prompt = prompts.get(emotion)
        return (
            (filters.source is None or source is filters.source)
            and (not filters.drift or bool(moved))
            and (not filters.author or entry.authors.get(emotion) == filters.author)
            and (named or (prompt is not None and says(entry, prompt, wanted)))
            and (not filters.tag or own_tag or (prompt is not None and filters.tag in prompt.tags))
        )

    return passes


def _candidates(index: Index, filters: Filters) -> Matches:
    """The characters in whose rows a cell may pass."""
    bits = index.characters().bits
    if filters.query:
        bits &= index.speaking(filters.query) | index.characters(filters.query).bits
    if filters.author:
        bits &= index.by(filters.author)
    if filters.tag:
        bits &= index.tagged(filters.tag)
    return Matches(index.roll, bits)


def _choices(index: Index, chosen: str, *kinds: str) -> dict[str, int]:
    """What a filter offers, with the number of folders each leads to, in the order of the words."""
    counts: dict[str, int] = {}
    for kind in kinds:
        for value, count in index.values(kind).items():
            counts[value] = max(count, counts.get(value, 0))
    most = sorted(counts, key=lambda value: (value != chosen, -counts[value]))[:CHOICES]
    return {value: counts[value] for value in sorted(most, key=str.casefold)}
