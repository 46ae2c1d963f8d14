"""Proposing what is no text of a prompt: that one goes, or that a character's settings change."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from prompt_repo import diffing
from prompt_repo.character_files import CharacterEdit
from prompt_repo.documents import dump
from prompt_repo.editing import Edit
from prompt_repo.errors import InvalidDocument, PromptRepoError
from prompt_repo.expectations import AtCommit
from prompt_repo.layout import check_id
from prompt_repo.repository import PRODUCTION
from webapp.access import NotAllowed, Scope, access
from webapp.change_records import ChangeNotFound, ChangeState
from webapp.character_form import CharacterForm
from webapp.errors import status_of
from webapp.kept_form import keeps_forms
from webapp.prompt_routes import ENVIRONMENT, on_prompts, subject_of
from webapp.proposal import Proposal
from webapp.services import repository

blueprint = Blueprint("document_proposing", __name__, url_prefix=ENVIRONMENT)
keeps_forms(blueprint)
REFUSED = (PromptRepoError, ChangeState, ChangeNotFound, NotAllowed)


@on_prompts(blueprint, "/propose-removal")
@access(Scope.REVIEW)
def removal(environment: str, character: str | None, emotion: str) -> Any:
    """Asks what a removal shall be called, and says what will stand then."""
    subject = subject_of(environment, character, emotion)
    if not subject.removable:
        address = url_for(
            "prompts.show", environment=environment, character=character, emotion=emotion
        )
        return redirect(address)
    return _removal(environment, subject, subject.catalogue.commit)


@on_prompts(blueprint, "/propose-removal", "POST")
@access(Scope.REVIEW)
def propose_removal(environment: str, character: str | None, emotion: str) -> Any:
    """Proposes it; where the prompt moved meanwhile, that is a conflict of the change request."""
    subject = subject_of(environment, character, emotion)
    base = request.form.get("base", "")
    wanted = Edit(subject.key, None, expect=AtCommit(base))
    try:
        row = Proposal.typed(environment).carry_out(wanted, f"the removal of {subject.title}")
    except REFUSED as error:
        return _removal(environment, subject, base, str(error)), status_of(error)
    return redirect(url_for("changes.show", number=row.number), 303)


@blueprint.get("/characters/<character>/character/propose")
@access(Scope.REVIEW)
def settings(environment: str, character: str) -> Any:
    """A character's settings, to be changed and proposed; of production, a hotfix."""
    catalogue = repository().current(environment)
    who = catalogue.character(check_id(character, "character"))
    return _settings(environment, who.id, CharacterForm.of(who), catalogue.commit)


@blueprint.post("/characters/<character>/character/propose")
@access(Scope.REVIEW)
def propose_settings(environment: str, character: str) -> Any:
    """Shows what would be proposed, or proposes it."""
    ident = check_id(character, "character")
    form, base = CharacterForm.typed(request.form, ident), request.form.get("base", "")
    if request.form.get("action") != "open":
        return _settings(environment, ident, form, base)
    wanted = CharacterEdit(form.character(), AtCommit(base))
    try:
        row = _proposal(environment).carry_out(wanted, f"the settings of {form.name}")
    except InvalidDocument as invalid:
        return _settings(environment, ident, form, base, problems=invalid.problems), 422
    except REFUSED as error:
        return _settings(environment, ident, form, base, refusal=str(error)), status_of(error)
    return redirect(url_for("changes.show", number=row.number), 303)


def _removal(environment: str, subject: Any, base: str, refusal: str = "") -> str:
    return render_template(
        "changes/propose_removal.html",
        subject=subject,
        base=base,
        refusal=refusal,
        proposal=Proposal.typed(environment, f"Remove {subject.title}"),
        hotfix=environment == PRODUCTION,
    )


def _proposal(environment: str) -> Proposal:
    return Proposal.typed(environment, about="about")


def _settings(environment: str, ident: str, form: CharacterForm, base: str, **verdict: Any) -> str:
    who = repository().current(environment).character(ident)
    before = after = dump(who).decode()
    try:
        after = dump(form.character(who.archived)).decode()
    except InvalidDocument as invalid:
        verdict = {"problems": invalid.problems, **verdict}
    return render_template(
        "changes/propose_settings.html",
        character=who,
        form=form,
        base=base,
        rows=diffing.rows(before, after) if before != after else (),
        size=diffing.size(before, after),
        proposal=_proposal(environment),
        hotfix=environment == PRODUCTION,
        **verdict,
    )
