"""Many prompts changed in one go: what an operation would do to each, and the edits for it.

A plan is made on one commit and changes nothing. Carrying it out is `editing.save` with its edits,
each of which says that it saw that commit.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from prompt_repo import documents
from prompt_repo.catalogue import Catalogue
from prompt_repo.editing import Edit
from prompt_repo.errors import InvalidEdit, PromptRepoError, UnknownEmotion
from prompt_repo.expectations import AtCommit
from prompt_repo.model import Prompt, PromptKey
from prompt_repo.patterns import Replacement, replacer

MOST = 1_000  # prompts of one go


@dataclass(frozen=True, slots=True)
class SetText:
    """Each prompt gets this text; who had none of their own has one then."""

    text: str


@dataclass(frozen=True, slots=True)
class CopyFrom:
    """Each prompt gets the text of this character for the same emotion; None: the default's."""

    character: str | None


@dataclass(frozen=True, slots=True)
class Remove:
    """Overrides go, so that the defaults show again."""


@dataclass(frozen=True, slots=True)
class Tag:
    """Tags that are added, and such that go."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


Operation = SetText | Replacement | CopyFrom | Remove | Tag


class Effect(StrEnum):
    """What becomes of one prompt."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Item:
    """One prompt of a plan, before and after (None: there is none), and why it is skipped."""

    key: PromptKey
    effect: Effect
    before: Prompt | None
    after: Prompt | None
    why: str = ""


@dataclass(frozen=True)
class Plan:
    """What an operation would do to some prompts, made on one commit."""

    commit: str
    items: tuple[Item, ...]

    @property
    def changing(self) -> tuple[Item, ...]:
        """The prompts that would be another than now."""
        return tuple(each for each in self.items if each.effect in CHANGES)

    @property
    def counts(self) -> Mapping[Effect, int]:
        """How many prompts there are of each effect."""
        effects = [each.effect for each in self.items]
        return {effect: effects.count(effect) for effect in Effect if effect in effects}

    def edits(self, left_out: Collection[PromptKey] = ()) -> list[Edit]:
        """The edits that carry the plan out, but for some; each says what it saw."""
        return [_edit(each, self.commit) for each in self.changing if each.key not in left_out]


CHANGES = (Effect.CREATE, Effect.UPDATE, Effect.REMOVE)


def plan(now: Catalogue, keys: Iterable[PromptKey], operation: Operation) -> Plan:
    """What `operation` would do to these prompts at the catalogue's commit.

    Raises InvalidEdit for an operation that can't be, or too many prompts; UnknownEmotion and
    CharacterNotFound for a prompt that can't be.
    """
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        raise InvalidEdit("choose at least one prompt")
    if len(wanted) > MOST:
        raise InvalidEdit(f"{len(wanted):,} prompts are chosen; {MOST:,} is the most at once")
    step = _step(now, operation)
    return Plan(now.commit, tuple(_item(now, key, step) for key in wanted))


Step = Callable[[PromptKey, Prompt | None], Prompt | None]
"""From a prompt as it stands (None: none of its own) to what it shall be; raises _Skip."""


class _Skip(Exception):
    """A prompt that the operation has nothing to do with, and why."""


def _step(now: Catalogue, operation: Operation) -> Step:
    match operation:
        case SetText(text):
            return lambda _, before: _with_text(before, text)
        case CopyFrom(character):
            return lambda key, before: _copied(now, key, before, character)
        case Remove():
            return _removed
        case Tag(add, remove):
            if not (add or remove):
                raise InvalidEdit("say which tags to add or to take away")
            return lambda _, before: _tagged(before, add, remove)
        case Replacement():
            replaced = replacer(operation)
            return lambda _, before: _with_text(_own(before), replaced(_own(before).text))


def _item(now: Catalogue, key: PromptKey, step: Step) -> Item:
    if key.emotion not in now.configuration.by_id:
        raise UnknownEmotion(key.emotion, now.configuration.emotion_ids)
    if key.character is not None and now.character(key.character).archived:
        return Item(key, Effect.SKIPPED, None, None, "the character is archived")
    if now.broken(key):
        return Item(key, Effect.SKIPPED, None, None, "its file can't be read; mend it first")
    stored = now.stored(key)
    before = stored.prompt if stored else None
    try:
        after = step(key, before)
    except _Skip as skip:
        return Item(key, Effect.SKIPPED, before, before, str(skip))
    if after == before:
        return Item(key, Effect.UNCHANGED, before, after)
    if after is None:
        return Item(key, Effect.REMOVE, before, None)
    problems = documents.check_prompt(after, now.configuration.limits, key.path)
    if problems:
        return Item(key, Effect.SKIPPED, before, before, problems[0].message)
    return Item(key, Effect.UPDATE if before else Effect.CREATE, before, after)


def _own(before: Prompt | None) -> Prompt:
    if before is None:
        raise _Skip("it has no text of its own")
    return before


def _with_text(before: Prompt | None, text: str) -> Prompt:
    kept = before or Prompt("")
    return Prompt(documents.normalise(text), kept.notes, kept.tags)


def _copied(now: Catalogue, key: PromptKey, before: Prompt | None, character: str | None) -> Prompt:
    if key.character == character:
        raise _Skip("it is what would be copied")
    try:
        found = now.stored(PromptKey(character, key.emotion))
    except PromptRepoError as error:
        raise _Skip(str(error)) from error
    if found is None:
        raise _Skip("there is no default" if character is None else f"{character} has none")
    return _with_text(before, found.prompt.text)


def _removed(key: PromptKey, before: Prompt | None) -> None:
    if key.character is None:
        raise _Skip("a default is no override; remove it on its own page")
    _own(before)


def _tagged(before: Prompt | None, add: Iterable[str], remove: Collection[str]) -> Prompt:
    own = _own(before)
    left = [tag for tag in own.tags if tag not in remove]
    return Prompt(own.text, own.notes, tuple(dict.fromkeys([*left, *add])))


def _edit(item: Item, commit: str) -> Edit:
    expect = AtCommit(commit)
    if item.after is None:
        return Edit(item.key, None, expect=expect)
    return Edit(item.key, item.after.text, item.after.notes, item.after.tags, expect)
