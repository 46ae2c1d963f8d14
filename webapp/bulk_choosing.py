"""What somebody chose to edit in bulk: cells and an operation, read from a form, made a plan."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from werkzeug.datastructures import MultiDict

from prompt_repo import diffing
from prompt_repo.bulk import (
    CHANGES,
    MOST,
    CopyFrom,
    Effect,
    Item,
    Operation,
    Plan,
    Remove,
    SetText,
    Tag,
    plan,
)
from prompt_repo.catalogue import Catalogue
from prompt_repo.documents import normalise
from prompt_repo.errors import InvalidEdit
from prompt_repo.layout import check_id, prompt_key
from prompt_repo.model import Emotion, Prompt, PromptKey
from prompt_repo.patterns import Replacement
from prompt_repo.repository import Repository
from webapp.editor import tags_of
from webapp.grid import Filters, passing

SHOWN = 100  # diffs on one page; of more the prompts are named
KINDS = {
    "replace": "Find and replace",
    "set": "Set one text",
    "copy": "Copy from a character",
    "defaults": "Copy the defaults",
    "remove": "Remove overrides",
    "tag": "Add or take away tags",
}
"""The operations, as the form names them."""
EFFECTS = {
    Effect.CREATE: "new override",
    Effect.UPDATE: "changed",
    Effect.REMOVE: "removed",
    Effect.UNCHANGED: "unchanged",
    Effect.SKIPPED: "skipped",
}


@dataclass(frozen=True)
class Choice:
    """Cells, and what shall be done to them, as a form has it; `left` of the cells are left out."""

    cells: tuple[PromptKey, ...]
    left: frozenset[PromptKey] = frozenset()
    kind: str = "replace"
    typed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, form: MultiDict[str, str], repository: Repository, environment: str) -> "Choice":
        """What a form brought; raises InvalidId and InvalidEdit."""
        kind = form.get("kind", "")
        return cls(
            cells=_cells(form, repository, environment),
            left=frozenset(map(_key, form.getlist("left"))),
            kind=kind if kind in KINDS else "replace",
            typed={name: form.get(name, "") for name in TYPED},
        )

    def operation(self) -> Operation:
        """What the fields of the kind that was picked say; raises InvalidEdit and InvalidId."""
        typed = self.typed
        match self.kind:
            case "set":
                return SetText(normalise(typed["text"]))
            case "copy":
                return CopyFrom(check_id(typed["from"].strip(), "character"))
            case "defaults":
                return CopyFrom(None)
            case "remove":
                return Remove()
            case "tag":
                return Tag(tags_of(typed["add"]), tags_of(typed["drop"]))
        return Replacement(
            normalise(typed["find"]),
            normalise(typed["with"]),
            is_pattern=bool(typed["pattern"]),
            ignore_case=bool(typed["ignore"]),
        )

    def fields(self, *, cells: bool = True) -> Iterator[tuple[str, str]]:
        """The hidden fields that bring this choice to the next page."""
        if cells:
            yield from (("cell", cell_of(key)) for key in self.cells)
        yield "kind", self.kind
        yield from ((name, value) for name, value in self.typed.items() if value)


TYPED = ("text", "find", "with", "pattern", "ignore", "from", "add", "drop")


@dataclass(frozen=True)
class Shown:
    """One prompt of a plan, as the page shows it."""

    item: Item
    cell: str
    title: str
    emotion: Emotion
    rows: tuple[diffing.Row, ...]
    size: tuple[int, int]
    tags: str
    left_out: bool


@dataclass(frozen=True)
class Preview:
    """A plan as the page shows it: the first diffs, the other names, what is skipped and why."""

    plan: Plan
    shown: list[Shown]
    more: list[str]
    skipped: Mapping[str, list[str]]
    going: int

    @property
    def words(self) -> str:
        """`3 changed, 1 new override`."""
        counts = self.plan.counts
        return ", ".join(f"{counts[each]:,} {EFFECTS[each]}" for each in Effect if each in counts)


def preview(now: Catalogue, choice: Choice) -> Preview:
    """What a choice would do at a commit; raises what `bulk.plan` raises."""
    found = plan(now, choice.cells, choice.operation())
    changing = found.changing
    skipped: dict[str, list[str]] = {}
    for each in found.items:
        if each.effect not in CHANGES:
            skipped.setdefault(each.why or "nothing would change", []).append(title(now, each.key))
    return Preview(
        plan=found,
        shown=[_shown(now, each, choice) for each in changing[:SHOWN]],
        more=[title(now, each.key) for each in changing[SHOWN:]],
        skipped=skipped,
        going=sum(each.key not in choice.left for each in changing),
    )


def title(now: Catalogue, key: PromptKey) -> str:
    """A prompt as people name it: `Aria Vale, angry`."""
    label = now.configuration.by_id[key.emotion].label.lower()
    return f"{now.character(key.character).name if key.character else 'Default'}, {label}"


def cell_of(key: PromptKey) -> str:
    """A prompt in a form: `aria/angry`, or `/angry` for a default."""
    return f"{key.character or ''}/{key.emotion}"


def _shown(now: Catalogue, item: Item, choice: Choice) -> Shown:
    before, after = item.before or Prompt(""), item.after or Prompt("")
    differs = before.text != after.text
    return Shown(
        item=item,
        cell=cell_of(item.key),
        title=title(now, item.key),
        emotion=now.configuration.by_id[item.key.emotion],
        rows=diffing.rows(before.text, after.text) if differs else (),
        size=diffing.size(before.text, after.text),
        tags=_tags(before, after) if item.after else "",
        left_out=item.key in choice.left,
    )


def _tags(before: Prompt, after: Prompt) -> str:
    if before.tags == after.tags:
        return ""
    old, new = (", ".join(each.tags) or "none" for each in (before, after))
    return f"Tags: {old} → {new}"


def _cells(
    form: MultiDict[str, str], repository: Repository, environment: str
) -> tuple[PromptKey, ...]:
    """Cells by name, and with their row, their column or all that fits the filters."""
    named = dict.fromkeys(map(_key, form.getlist("cell")))
    rows, columns = {*form.getlist("row")}, {*form.getlist("column")}
    if form.get("all") == "1" or rows or columns:
        everything = form.get("all") == "1"
        fitting = (
            key
            for key in passing(repository, environment, Filters.asked(form))
            if everything or (key.character or "") in rows or key.emotion in columns
        )
        named |= dict.fromkeys(islice(fitting, MOST + 1))
    if form.get("found") == "1":
        catalogue = repository.current(environment)
        found = repository.indexes.of(catalogue).prompts(form.get("q", "")[:200], None)
        named |= dict.fromkeys(islice(found, MOST + 1))
    if len(named) > MOST:
        raise InvalidEdit(f"more than {MOST:,} prompts are chosen; choose fewer, with a filter")
    return tuple(named)


def _key(cell: str) -> PromptKey:
    character, parted, emotion = cell.partition("/")
    if not parted:
        raise InvalidEdit(f"{cell[:80]!r} names no prompt")
    return prompt_key(character or None, emotion)
