"""Working on an open change request: another text for one of its prompts, conflicts decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from prompt_repo import diffing
from prompt_repo.document_merging import Choice, FieldConflict, Side
from prompt_repo.editing import Edit
from prompt_repo.errors import (
    ChangeMoved,
    EditConflict,
    InvalidDocument,
    MergeConflicts,
    NothingProposed,
    PromptRepoError,
)
from prompt_repo.layout import place_of
from prompt_repo.merging import merge_texts
from prompt_repo.model import Prompt, PromptKey
from webapp import audit, change_requests
from webapp.access import NotAllowed, Scope, access
from webapp.change_records import ChangeState
from webapp.change_views import Subject
from webapp.changes import frame, subject_of
from webapp.editor import MARKERS, Draft
from webapp.errors import status_of
from webapp.formatting import capitalize_first
from webapp.kept_form import keeps_forms
from webapp.services import repository

blueprint = Blueprint("change_editing", __name__, url_prefix="/changes/<int:number>")
keeps_forms(blueprint)
TEXTS = ("prompt", "notes", "description")
"""Fields of which a person may write a text out of both sides."""
REFUSED = (PromptRepoError, ChangeState, NotAllowed)


@dataclass(frozen=True)
class Decision:
    """One conflict as the page asks about it; `name` is what its form fields are called."""

    name: str
    title: str
    conflict: FieldConflict
    base: tuple[diffing.Part, ...] | None
    ours: tuple[diffing.Part, ...] | None
    theirs: tuple[diffing.Part, ...] | None
    merged: str | None
    chosen: str


@blueprint.get("/edit")
@access(Scope.REVIEW)
def edit(number: int) -> Any:
    """A prompt of the change request, ready to be edited further."""
    row = change_requests.editable(number)
    subject = subject_of(row)
    key = _key(subject)
    stored = repository().catalogue(row.head).stored(key)
    prompt = stored.prompt if stored else Prompt("")
    draft = Draft(prompt.text, prompt.notes, ", ".join(prompt.tags), "", row.head)
    return _editor(subject, key, draft)


@blueprint.post("/edit")
@access(Scope.REVIEW)
def save(number: int) -> Any:
    """Commits another text to the change request's branch."""
    row = change_requests.editable(number)
    subject = subject_of(row)
    key, draft = _key(subject), Draft.typed(request.form)
    wanted = Edit(key, None) if request.form.get("action") == "remove" else draft.edit(key)
    try:
        after = change_requests.add(number, [wanted], draft.reason)
    except NothingProposed:
        flash("Nothing changed.")
        return redirect(url_for("changes.files", number=number), 303)
    except EditConflict as error:
        conflict = error.conflicts[0]
        again = Draft(
            conflict.merged or conflict.merged_with_markers,
            draft.notes, draft.tags, draft.reason, error.head, changed=True,
        )  # fmt: skip
        refusal = "this prompt changed in the change request meanwhile; both texts are below"
        return _editor(subject_of(change_requests.found(number)), key, again, refusal), 409
    except REFUSED as error:
        return _editor(subject, key, draft, str(error)), status_of(error)
    audit.describe(f"changes/{row.slug}", number=number, path=key.path, commit=after.head)
    flash(f"Saved {subject.title(key.path)} to this change request.", "good")
    return redirect(url_for("changes.files", number=number), 303)


@blueprint.get("/conflicts")
@access(Scope.REVIEW)
def conflicts(number: int) -> Any:
    """What both sides changed, field by field, to be decided."""
    return _conflicts(subject_of(change_requests.editable(number)), {})


@blueprint.post("/conflicts")
@access(Scope.REVIEW)
def decide(number: int) -> Any:
    """Updates the change request with what was decided."""
    row = change_requests.editable(number)
    subject = subject_of(row)
    given = {name: value.replace("\r\n", "\n") for name, value in request.form.items()}
    choices = _choices(subject, given)
    try:
        if any(MARKERS.search(text) for text in choices.values() if not isinstance(text, Side)):
            raise ChangeState("conflict markers are still in a text; decide between its sides")
        after = change_requests.update(number, given.get("head", ""), choices, given.get("base"))
    except MergeConflicts:
        refusal = "decide each of them; what you chose so far is kept"
        return _conflicts(subject, given, refusal), 422
    except (ChangeMoved, InvalidDocument, *REFUSED) as error:
        subject = subject_of(change_requests.found(number))
        return _conflicts(subject, given, str(error)), status_of(error)
    audit.describe(f"changes/{row.slug}", number=number, commit=after.head)
    flash("Decided. Approvals of the text before don’t count for this one.", "good")
    return redirect(url_for("changes.show", number=number), 303)


def _key(subject: Subject) -> PromptKey:
    """The prompt that the address names; raises ChangeState for what is none."""
    place = place_of(request.values.get("path", ""))
    if place is None or place.key is None:
        raise ChangeState("only prompts can be edited here; other documents come by git")
    return place.key


def _editor(subject: Subject, key: PromptKey, draft: Draft, refusal: str = "") -> str:
    return render_template(
        "changes/edit.html",
        subject=subject,
        path=key.path,
        title=subject.title(key.path),
        form=draft,
        refusal=capitalize_first(refusal),
        **frame(subject),
    )


def _conflicts(subject: Subject, given: Mapping[str, str], refusal: str = "") -> str:
    return render_template(
        "changes/conflicts.html",
        subject=subject,
        decisions=_decisions(subject, given),
        base_head=subject.comparison.base if subject.comparison else "",
        refusal=capitalize_first(refusal),
        **frame(subject),
    )


def _decisions(subject: Subject, given: Mapping[str, str]) -> list[Decision]:
    found = subject.verdict.conflicts if subject.verdict else ()
    return [_decision(subject, each, f"c{place}", given) for place, each in enumerate(found)]


def _decision(
    subject: Subject, found: FieldConflict, name: str, given: Mapping[str, str]
) -> Decision:
    """The verdict merges into the base, so that its `ours` is the base's side, `theirs` ours."""
    merged = None
    if found.field in TEXTS:
        sides = (subject.row.base, "this change")
        joined = merge_texts(found.base, found.ours, found.theirs, sides)
        merged = given.get(f"{name}-text") or joined.with_markers
    label = found.field.rpartition(".")[2] if "." in found.field else found.field
    return Decision(
        name=name,
        title=f"{subject.title(found.path)}{': ' + label if label not in ('', 'prompt') else ''}",
        conflict=found,
        base=_parts(None, found.base),
        ours=_parts(found.base, found.theirs),
        theirs=_parts(found.base, found.ours),
        merged=merged,
        chosen=given.get(name, ""),
    )


def _choices(subject: Subject, given: Mapping[str, str]) -> dict[tuple[str, str], Choice]:
    choices: dict[tuple[str, str], Choice] = {}
    for each in _decisions(subject, given):
        at = (each.conflict.path, each.conflict.field)
        if each.chosen in set(Side):
            choices[at] = Side(each.chosen)
        elif each.chosen == "text" and each.merged is not None:
            choices[at] = given.get(f"{each.name}-text", "")
    return choices


def _parts(base: str | None, text: str | None) -> tuple[diffing.Part, ...] | None:
    if text is None:
        return None
    return diffing.words(base, text)[1] if base is not None else (("same", text),)
