"""Finding characters and prompts by words, tags and authors, as fast among many as among few."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from prompt_repo.catalogue import Found
from prompt_repo.folding import asked, fold
from prompt_repo.model import Character, Prompt, PromptKey
from prompt_repo.postings import Postings, bits_of, numbers

DEFAULTS = ""  # the folder of the defaults
LONG = 2  # letters; shorter words are looked for in names alone, unless a letter is a word
ARCHIVED, TAG, PROMPT_TAG, AUTHOR = "archived", "tag", "prompt tag", "author"
Facet = tuple[str, str]
"""What a folder can be asked for by, besides words: one of the kinds above, and a value."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index knows of one folder: a character's, or that of the defaults."""

    place: int
    files: Mapping[str, Found]
    character: Character | None
    names: str = ""  # name, id, tags and description, folded
    facets: frozenset[Facet] = frozenset()
    authors: Mapping[str, str] = field(default_factory=dict)
    """Who wrote the version that stands, by emotion."""

    @property
    def key(self) -> tuple[bool, str, str]:
        """Where it stands in lists: the defaults first, then characters by name."""
        if self.character is None:
            return False, "", ""
        return True, fold(self.character.name), self.character.id

    def prompts(self) -> Iterator[tuple[str, Prompt]]:
        """The prompts of the folder that can be read, by emotion."""
        for emotion, (_, value) in self.files.items():
            if isinstance(value, Prompt):
                yield emotion, value


class Roll:
    """All folders in the order of their names, and where each stands in it."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        listed = {name: entry for name, entry in entries.items() if entry.character or not name}
        self.order: Sequence[str] = sorted(listed, key=lambda name: listed[name].key)
        self.rank = {name: rank for rank, name in enumerate(self.order)}
        self.places = [entries[name].place for name in self.order]
        self.defaults = bits_of([entries[DEFAULTS].place]) if DEFAULTS in entries else 0
        self.characters = bits_of(self.places) & ~self.defaults

    def ordered(self, bits: int, start: int) -> Iterator[str]:
        """Those whose places are in `bits`, from the rank `start` on."""
        flags = bits.to_bytes((bits.bit_length() >> 3) + 1, "little")
        size = len(flags) << 3
        for rank in range(start, len(self.order)):
            place = self.places[rank]
            if place < size and flags[place >> 3] & 1 << (place & 7):
                yield self.order[rank]


@dataclass(frozen=True, slots=True)
class Matches:
    """Characters that were found, in the order of their names."""

    roll: Roll
    bits: int

    def __len__(self) -> int:
        return self.bits.bit_count()

    def __iter__(self) -> Iterator[str]:
        return self.roll.ordered(self.bits, 0)

    def after(self, character: str) -> Iterator[str]:
        """The ids that follow on this one; all where it isn't known (any more)."""
        return self.roll.ordered(self.bits, self.roll.rank.get(character, -1) + 1)


@dataclass(frozen=True)
class Index:
    """What can be found at one commit; immutable, and made from that of another commit."""

    entries: Mapping[str, Entry]
    folders: Sequence[str]  # by place
    roll: Roll
    names: Postings[str]
    texts: Postings[str]
    facets: Postings[Facet]

    def characters(
        self, query: str = "", tags: Iterable[str] = (), *, archived: bool | None = False
    ) -> Matches:
        """Those whose name, id, tags or description hold every word of `query`.

        A word may stand within another; case, accents and punctuation do not count. They have
        all of `tags`. `archived` None means both.
        """
        bits = self.roll.characters
        if archived is not None:
            out = self.facets.of((ARCHIVED, ""))
            bits &= out if archived else ~out
        for tag in tags:
            bits &= self.facets.of((TAG, tag))
        wanted = asked(query)
        if query.strip() and not wanted:
            bits = 0
        for word in wanted:
            bits &= self.names.holding(word)
        return Matches(self.roll, bits)

    def by(self, author: str) -> int:
        """The folders where this author wrote a prompt that stands, as bits."""
        return self.facets.of((AUTHOR, author))

    def tagged(self, tag: str) -> int:
        """The folders that have a tag themselves, or on one of their prompts, as bits."""
        return self.facets.of((TAG, tag)) | self.facets.of((PROMPT_TAG, tag))

    def speaking(self, query: str) -> int:
        """The folders where a prompt may hold the words of `query`, as bits; `says` decides."""
        wanted = [word for word in asked(query) if is_long(word)]
        bits = self.roll.characters | self.roll.defaults if wanted else 0
        for word in wanted:
            bits &= self.texts.holding(word) | self.names.holding(word)
        return bits

    def prompts(self, query: str, after: PromptKey | None = None) -> Iterator[PromptKey]:
        """The prompts whose text, notes or tags hold the words of `query`, one by one.

        A word may be in the character's name instead, as long as one is in the prompt. The
        defaults come first, then characters by name; archived ones are left out.
        """
        bits = self.speaking(query) & ~self.facets.of((ARCHIVED, ""))
        begin = None if after is None else after.character or DEFAULTS
        wanted = asked(query)
        for folder in self.roll.ordered(bits, self.roll.rank.get(begin or "", 0) if after else 0):
            entry = self.entries[folder]
            for emotion, prompt in sorted(entry.prompts()):
                if after is not None and folder == begin and emotion <= after.emotion:
                    continue
                if says(entry, prompt, wanted):
                    yield PromptKey(folder or None, emotion)

    def values(self, kind: str) -> Mapping[str, int]:
        """All values of a kind of facet, each with the number of folders that have it."""
        return self._values.get(kind, {})

    @cached_property
    def _values(self) -> Mapping[str, Mapping[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for kind, value in sorted(self.facets):
            found.setdefault(kind, {})[value] = self.facets.count((kind, value))
        return found

    def named(self, bits: int) -> Iterator[str]:
        """The folders at some places, in no order."""
        return (self.folders[place] for place in numbers(bits))


def says(entry: Entry, prompt: Prompt, wanted: Sequence[str]) -> bool:
    """Whether a prompt holds all folded words, some perhaps in its character's name alone."""
    text = hay(prompt)
    own = [word in text for word in wanted]
    return any(own) and all(
        here or word in entry.names for here, word in zip(own, wanted, strict=True)
    )


def hay(prompt: Prompt) -> str:
    """What of a prompt is searched, folded."""
    return fold("\n".join((prompt.text, prompt.notes, *prompt.tags)))


def is_long(word: str) -> bool:
    """Whether texts are searched for a word: in many scripts one letter is one."""
    return len(word) >= LONG or not word.isascii()
