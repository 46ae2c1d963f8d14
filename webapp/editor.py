"""What the editor shows besides the text: a draft as typed, the review of it, and conflicts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from prompt_repo import diffing, documents
from prompt_repo.editing import Edit
from prompt_repo.errors import Conflict, InvalidDocument
from prompt_repo.expectations import AtCommit, Document, check
from prompt_repo.model import Prompt, PromptKey, Version
from prompt_repo.repository import Repository
from webapp.reading import Subject

MARKERS = re.compile(r"^(<{7} |={7}$|>{7} )", re.MULTILINE)
TYPED = ("text", "notes", "tags", "reason", "base")
Action = Literal["edit", "review", "save"]


@dataclass(frozen=True)
class Draft:
    """The fields of the editor as a person left them; `base` is the commit they began from."""

    text: str
    notes: str
    tags: str
    reason: str
    base: str
    changed: bool = False

    @classmethod
    def typed(cls, form: Mapping[str, str]) -> "Draft":
        """What a form brought; browsers end lines with CRLF, we with LF."""
        fields = {name: documents.normalise(form.get(name, "")) for name in TYPED}
        return cls(**fields, changed=True)

    @classmethod
    def of(cls, subject: Subject, start: Prompt | None = None) -> "Draft":
        """What stands now, or what shall be started from, ready to be edited."""
        prompt = start or (subject.own.prompt if subject.own else Prompt(""))
        tags, base = ", ".join(prompt.tags), subject.catalogue.commit
        return cls(prompt.text, prompt.notes, tags, "", base, changed=start is not None)

    @property
    def prompt(self) -> Prompt:
        """The document the draft would become."""
        return Prompt(self.text, self.notes, tags_of(self.tags))

    def edit(self, key: PromptKey) -> Edit:
        """The edit that saves this draft, if the prompt has not moved since its base."""
        return Edit(key, self.text, self.notes, tags_of(self.tags), AtCommit(self.base))


@dataclass(frozen=True)
class Review:
    """What saving a draft would change."""

    rows: tuple[diffing.Row, ...]
    size: tuple[int, int]
    details_changed: str
    markers: bool


@dataclass(frozen=True)
class Side:
    """One text of a conflict; `pieces` is None where that side has no prompt."""

    name: str
    title: str
    hint: str
    pieces: tuple[diffing.Part, ...] | None
    absent: str


@dataclass(frozen=True)
class ConflictView:
    """Base, theirs and yours, and who got there first."""

    sides: tuple[Side, ...]
    clean: bool
    who: Version | None


def tags_of(text: str) -> tuple[str, ...]:
    """Tags written with commas between, each once."""
    names = (name.strip() for name in text.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def review(
    repository: Repository, environment: str, subject: Subject, draft: Draft
) -> Review | None:
    """What saving `draft` would change; None where that is nothing.

    Raises InvalidDocument, and EditConflict where the prompt moved since the draft's base.
    """
    limits = subject.catalogue.configuration.limits
    problems = documents.check_prompt(draft.prompt, limits, subject.key.path)
    if problems:
        raise InvalidDocument(problems)
    before = subject.own.prompt if subject.own else Prompt("")
    if subject.own and draft.prompt == before:
        return None
    require_unmoved(repository, environment, subject, draft)
    return Review(
        rows=diffing.rows(before.text, draft.text) if before.text != draft.text else (),
        size=diffing.size(before.text if subject.own else None, draft.text),
        details_changed=_details(before, draft.prompt),
        markers=len(set(MARKERS.findall(draft.text))) == 3,
    )


def require_unmoved(
    repository: Repository, environment: str, subject: Subject, draft: Draft
) -> None:
    """Raises EditConflict where the prompt moved since the draft's base."""
    path = subject.key.path
    document = Document(
        path,
        lambda: subject.catalogue.etag(subject.key),
        lambda raw: documents.readable(raw, path),
    )
    expect = AtCommit(draft.base)
    check(repository, environment, subject.catalogue, document, expect, draft.text)


def conflict_view(repository: Repository, conflict: Conflict, head: str) -> ConflictView:
    """A conflict ready to be shown; words that differ from the base are lit up."""
    base, theirs, yours = conflict.base, conflict.theirs, conflict.yours
    held = repository.history.held(head, conflict.path)
    return ConflictView(
        sides=(
            Side("base", "Base", "what both began from", _plain(base), "There was no prompt."),
            Side("theirs", "Theirs", "what stands now", _against(base, theirs), "They removed it."),
            Side("yours", "Yours", "what you wrote", _against(base, yours), "You removed it."),
        ),
        clean=conflict.merged is not None,
        who=repository.history.version(held.row) if held else None,
    )


def _details(before: Prompt, after: Prompt) -> str:
    changed = [name for name in ("notes", "tags") if getattr(before, name) != getattr(after, name)]
    return f"{' and '.join(changed)} changed".capitalize() if changed else ""


def _plain(text: str | None) -> tuple[diffing.Part, ...] | None:
    return None if text is None else (("same", text),)


def _against(base: str | None, text: str | None) -> tuple[diffing.Part, ...] | None:
    if base is None or text is None:
        return _plain(text)
    return diffing.words(base, text)[1]
