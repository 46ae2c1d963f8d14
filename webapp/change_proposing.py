"""Proposing what was written in the editor: a new change request, or more of an open one."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from prompt_repo.errors import EditConflict, InvalidDocument, PromptRepoError
from prompt_repo.repository import PRODUCTION
from webapp import audit
from webapp.access import NotAllowed, Scope, access
from webapp.change_records import ChangeNotFound, ChangeState
from webapp.editor import Draft, conflict_view, review
from webapp.errors import status_of
from webapp.kept_form import keeps_forms
from webapp.prompt_routes import ENVIRONMENT, on_prompts, subject_of
from webapp.proposal import Proposal
from webapp.reading import Subject
from webapp.services import repository

blueprint = Blueprint("change_proposing", __name__, url_prefix=ENVIRONMENT)
keeps_forms(blueprint)


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
        audit.leave_out()
        return _page(environment, subject, draft)
    try:
        wanted = Proposal.typed(environment)
        row = wanted.carry_out(draft.edit(subject.key), subject.title)
    except InvalidDocument as invalid:
        return _page(environment, subject, draft, 422, problems=invalid.problems)
    except EditConflict as error:
        conflict = conflict_view(repository(), error.conflicts[0], error.head)
        merged = error.conflicts[0].merged or error.conflicts[0].merged_with_markers
        again = Draft(merged, draft.notes, draft.tags, draft.reason, error.head, changed=True)
        return _page(environment, subject, again, 409, conflict=conflict)
    except (PromptRepoError, ChangeState, ChangeNotFound, NotAllowed) as error:
        return _page(environment, subject, draft, status_of(error), refusal=str(error))
    return redirect(url_for("changes.show", number=row.number), 303)


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
        proposal=Proposal.typed(environment, draft.reason),
        hotfix=environment == PRODUCTION,
        preview=subject.preview(draft.text),
        **verdict,
    )
    return page, status
