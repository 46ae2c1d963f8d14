"""Proposing what was written in the editor: a new change request, or more of an open one."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from prompt_repo.errors import EditConflict, InvalidDocument, PromptRepoError
from prompt_repo.repository import PRODUCTION
from webapp import audit, change_records, change_requests
from webapp.access import NotAllowed, Scope, access, caller
from webapp.change_records import ChangeNotFound, ChangeState, Shown, Wanted, Who
from webapp.editor import Draft, conflict_view, review
from webapp.errors import status_of
from webapp.kept_form import keeps_forms
from webapp.prompt_routes import ENVIRONMENT, on_prompts, subject_of
from webapp.reading import Subject
from webapp.records.change_models import ChangeRequest
from webapp.services import records, repository

blueprint = Blueprint("change_proposing", __name__, url_prefix=ENVIRONMENT)
keeps_forms(blueprint)
MINE = 20  # open change requests offered to be added to


@on_prompts(blueprint, "/propose")
@access(Scope.REVIEW)
def begin(environment: str, character: str | None, emotion: str) -> Any:
    """The text that stands, to be changed and proposed; of production, a hotfix."""
    subject = subject_of(environment, character, emotion)
    return _page(environment, subject, Draft.of(subject))


@on_prompts(blueprint, "/propose", "POST")
@access(Scope.REVIEW)
def propose(environment: str, character: str | None, emotion: str) -> Any:
    """Shows what would be proposed, or proposes it."""
    subject = subject_of(environment, character, emotion)
    draft = Draft.typed(request.form)
    if request.form.get("action") != "open":
        return _page(environment, subject, draft)
    try:
        row = _carry_out(environment, subject, draft)
    except InvalidDocument as invalid:
        return _page(environment, subject, draft, 422, problems=invalid.problems)
    except EditConflict as error:
        conflict = conflict_view(repository(), error.conflicts[0], error.head)
        merged = error.conflicts[0].merged or error.conflicts[0].merged_with_markers
        again = Draft(merged, draft.notes, draft.tags, draft.reason, error.head, changed=True)
        return _page(environment, subject, again, 409, conflict=conflict)
    except (PromptRepoError, ChangeState, ChangeNotFound, NotAllowed) as error:
        return _page(environment, subject, draft, status_of(error), refusal=str(error))
    audit.describe(f"changes/{row.slug}", number=row.number, path=subject.key.path)
    return redirect(url_for("changes.show", number=row.number), 303)


def _carry_out(environment: str, subject: Subject, draft: Draft) -> ChangeRequest:
    """Opens a change request with the draft, or adds it to the one that was chosen."""
    form = request.form
    edit = draft.edit(subject.key)
    chosen = form.get("to", "new")
    if chosen.isascii() and chosen.isdecimal():
        row = change_requests.add(int(chosen[:9]), [edit], draft.reason)
        flash(f"Added {subject.title} to change request {row.number}.", "good")
        return row
    wanted = change_requests.Draft(environment, form.get("title", ""), form.get("description", ""))
    row = change_requests.propose(wanted, [edit], draft.reason)
    flash("Proposed. Others can look at it, comment and approve now.", "good")
    return row


def _page(
    environment: str, subject: Subject, draft: Draft, status: int = 200, **verdict: Any
) -> tuple[str, int]:
    problems, reviewed = verdict.pop("problems", ()), None
    try:
        reviewed = review(repository(), environment, subject, draft)
    except InvalidDocument as invalid:
        problems = problems or (invalid.problems if draft.changed else ())
    except PromptRepoError:
        pass  # it moved meanwhile, which is decided in the change request; or the step says why
    page = render_template(
        "changes/propose.html",
        subject=subject,
        form=draft,
        review=reviewed,
        problems=problems,
        mine=_mine(environment),
        title=request.form.get("title", "") or draft.reason,
        description=request.form.get("description", ""),
        to=request.form.get("to", "new"),
        hotfix=environment == PRODUCTION,
        preview=subject.preview(draft.text),
        **verdict,
    )
    return page, status


def _mine(environment: str) -> list[ChangeRequest]:
    """The caller's open change requests of this environment, newest first."""
    wanted = Wanted(Shown.MINE, Who.of(caller()), (environment,), limit=MINE)
    return list(change_records.listed(records(), wanted))[:MINE]
