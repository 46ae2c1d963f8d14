"""The search index of a catalogue, made from that of the commit before: only what moved is read."""

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeVar

from prompt_repo.catalogue import Catalogue, Found, Tables
from prompt_repo.folding import fold, words
from prompt_repo.model import Character, Prompt
from prompt_repo.postings import Postings
from prompt_repo.searching import (
    ARCHIVED,
    AUTHOR,
    PROMPT_TAG,
    TAG,
    Entry,
    Facet,
    Index,
    Roll,
    hay,
)

Word = TypeVar("Word", bound=Hashable)
Authors = Callable[[Iterable[int]], Mapping[int, str]]
"""Who wrote versions, by their rows in the history index."""
NOTHING = Index(
    {}, (), Roll({}), Postings[str]({}, 0), Postings[str]({}, 0), Postings[Facet]({}, 0)
)


class Indexes:
    """Makes the indexes of one repository's catalogues; safe to share between threads."""

    def __init__(self, authors: Authors) -> None:
        self._authors = authors
        self._last = NOTHING
        self._lock = threading.Lock()

    def of(self, catalogue: Catalogue) -> Index:
        """The index of a catalogue; made once for each, and kept with it."""
        found: Index | None = catalogue.kept.get(Index)
        if found is None:
            with self._lock:
                found = catalogue.kept.get(Index)
                if found is None:
                    found = advanced(self._last, catalogue.tables, self._authors)
                    self._last = catalogue.kept[Index] = found
        return found


def advanced(index: Index, tables: Tables, authors: Authors) -> Index:
    """The index of `tables`, made from that of others by reading the folders that differ."""
    old = index.entries
    moved = {
        name: files
        for name, files in tables.folders.items()
        if name not in old or (old[name].files is not files and old[name].files != files)
    }
    gone = old.keys() - tables.folders.keys()
    if not moved and not gone:
        return index
    folders = [*index.folders, *(name for name in moved if name not in old)]
    places = {name: place for place, name in enumerate(folders)}
    by_row = authors(held.row for files in moved.values() for held, _ in files.values())
    fresh = {name: _entry(places[name], files, by_row) for name, files in moved.items()}
    entries = {name: entry for name, entry in old.items() if name not in gone} | fresh
    before = [old[name] for name in (*moved, *gone) if name in old]
    after, size = list(fresh.values()), len(folders)
    same_people = not gone and all(
        name in old and old[name].character == entry.character for name, entry in fresh.items()
    )
    return Index(
        entries,
        folders,
        index.roll if same_people else Roll(entries),
        _changed(index.names, before, after, size, _names),
        _changed(index.texts, before, after, size, _texts),
        _changed(index.facets, before, after, size, lambda entry: entry.facets),
    )


def _entry(place: int, files: Mapping[str, Found], authors: Mapping[int, str]) -> Entry:
    who = files[""][1] if "" in files else None
    if not isinstance(who, Character):  # a broken file, or prompts without one
        who = None
    wrote = {name: authors[held.row] for name, (held, _) in files.items() if name}
    facets: set[Facet] = {(AUTHOR, author) for author in wrote.values()}
    for _, value in files.values():
        if isinstance(value, Prompt):
            facets.update((PROMPT_TAG, tag) for tag in value.tags)
    names = ""
    if who is not None:
        facets.update((TAG, tag) for tag in who.tags)
        facets.update([(ARCHIVED, "")] if who.archived else [])
        names = fold("\n".join((who.name, who.id, *who.tags, who.description)))
    return Entry(place, files, who, names, frozenset(facets), wrote)


def _names(entry: Entry) -> set[str]:
    return words(entry.names)


def _texts(entry: Entry) -> set[str]:
    return words("\n".join(hay(prompt) for _, prompt in entry.prompts()))


def _changed(
    postings: Postings[Word],
    before: Iterable[Entry],
    after: Iterable[Entry],
    size: int,
    words_of: Callable[[Entry], AbstractSet[Word]],
) -> Postings[Word]:
    """The postings after some entries took the place of others."""
    come: defaultdict[Word, list[int]] = defaultdict(list)
    gone: defaultdict[Word, list[int]] = defaultdict(list)
    left = {entry.place: entry for entry in before}
    for entry in after:
        was = left.pop(entry.place, None)
        then, now = words_of(was) if was else set(), words_of(entry)
        for word in now - then:
            come[word].append(entry.place)
        for word in then - now:
            gone[word].append(entry.place)
    for entry in left.values():
        for word in words_of(entry):
            gone[word].append(entry.place)
    return postings.changed(come, gone, size) if come or gone else postings
