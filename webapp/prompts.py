"""The pages of one prompt, an override or a default: editor, removal, restoring."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError

from prompt_repo import editing
from prompt_repo.editing import Edit, Outcome
from prompt_repo.errors import EditConflict, InvalidDocument, PromptRepoError
from prompt_repo.expectations import AtCommit
from prompt_repo.layout import prompt_key
from prompt_repo.model import PromptKey
from prompt_repo.repository import PRODUCTION
from webapp import audit
from webapp.access import Scope, access, caller
from webapp.appearance import may_save
from webapp.editor import Draft, conflict_view, review
from webapp.errors import answer, status_of
from webapp.kept_form import keeps_forms
from webapp.prompt_routes import ENVIRONMENT, on_prompts, subject_of
from webapp.reading import Subject, removed_rows, title_of
from webapp.services import repository

blueprint = Blueprint("prompts", __name__, url_prefix=ENVIRONMENT)
keeps_forms(blueprint)
REMOVED_PAGE = 50  # characters whose removed prompts one page shows


@on_prompts(blueprint, "")
@access(Scope.READ)
def show(environment: str, character: str | None, emotion: str):
    """The editor, or in production and for viewers the text alone."""
    subject = subject_of(environment, character, emotion)
    start = subject.hidden_default if "default" in request.args else None
    draft = Draft.of(subject, start.prompt if start else None)
    return _page(environment, subject, draft)


@on_prompts(blueprint, "", "POST")
@access(Scope.WRITE)
def edit(environment: str, character: str | None, emotion: str):
    """Reviews what was typed, saves it, or gives it back to be edited further."""
    key, draft = prompt_key(character, emotion), Draft.typed(request.form)
    action = request.form.get("action", "review")
    try:
        if action == "save":
            return _save(environment, key, draft)
        audit.leave_out()
        subject = subject_of(environment, character, emotion)
        return (_review if action == "review" else _page)(environment, subject, draft)
    except PromptRepoError as error:
        return _refused(environment, subject_of(environment, character, emotion), draft, error)


@blueprint.errorhandler(CSRFError)
def form_of_another_session(error: CSRFError):
    """Puts the text back into the editor when the form belongs to a session that ended."""
    if request.endpoint != "prompts.edit" or _by_htmx():
        return answer(error)
    arguments = request.view_args or {}
    environment = arguments["environment"]
    subject = subject_of(environment, arguments["character"], arguments["emotion"])
    refusal = "your session changed since this page was opened; look it over and save again"
    return _page(environment, subject, Draft.typed(request.form), 400, refusal=refusal)


@on_prompts(blueprint, "/preview", "POST")
@access(Scope.READ)
def preview(environment: str, character: str | None, emotion: str):
    """What the text typed so far resolves to, and how it differs from the default."""
    audit.leave_out()
    subject = subject_of(environment, character, emotion)
    text = Draft.typed(request.form).text
    found = subject.preview(text)
    return render_template("prompts/_live.html", subject=subject, preview=found, live=True)


@on_prompts(blueprint, "/remove")
@access(Scope.WRITE)
def remove(environment: str, character: str | None, emotion: str):
    """Asks before a prompt is removed, and says what will stand then."""
    subject = subject_of(environment, character, emotion)
    if not subject.removable or environment == PRODUCTION:
        return redirect(_address(environment, subject.key))
    base = subject.catalogue.commit
    return render_template("prompts/remove.html", subject=subject, base=base, reason="")


@on_prompts(blueprint, "/remove", "POST")
@access(Scope.WRITE)
def take_away(environment: str, character: str | None, emotion: str):
    """Removes a prompt, unless it changed since the person saw it."""
    subject = subject_of(environment, character, emotion)
    base, reason = request.form.get("base", ""), request.form.get("reason", "")
    wanted = Edit(subject.key, None, expect=AtCommit(base))
    try:
        editing.save(repository(), environment, [wanted], caller().author, reason)
    except EditConflict:
        flash("The prompt changed since you looked, so it was not removed. Look again.", "warn")
        return redirect(_address(environment, subject.key), 303)
    flash(f"Removed {subject.title}. It can be restored from its history or below.", "good")
    return redirect(_parent(environment, subject.key), 303)


@on_prompts(blueprint, "/restore", "POST")
@access(Scope.WRITE)
def restore(environment: str, character: str | None, emotion: str):
    """Brings a removed prompt back."""
    subject = subject_of(environment, character, emotion)
    reason = request.form.get("reason", "") or f"Restore {subject.title}"
    outcome = editing.restore(repository(), environment, subject.key, caller().author, reason)
    if outcome.commit is None:
        flash(f"{subject.title} stands already; nothing changed.")
    else:
        number = _number(outcome, subject.key)
        flash(f"Restored {subject.title} as version {number}.", "good")
    return redirect(_address(environment, subject.key), 303)


@blueprint.get("/removed")
@access(Scope.READ)
def removed(environment: str):
    """Every removed prompt: the defaults' first, then by character."""
    catalogue = repository().current(environment)
    after = request.args.get("after", "")
    with_removed = sorted(name for name, held in catalogue.tables.removed.items() if held)
    left = [name for name in with_removed if not after or name > after]
    page = left[:REMOVED_PAGE]
    return render_template(
        "prompts/removed.html",
        removed=removed_rows(repository(), catalogue, [name or None for name in page]),
        next_after=page[-1] if len(left) > REMOVED_PAGE else None,
    )


def _page(environment: str, subject: Subject, draft: Draft, status: int = 200, **more):
    """The whole page, or for htmx the form alone."""
    saves = may_save(environment)
    proposes = environment != PRODUCTION and caller().may(Scope.REVIEW)
    editable = (saves or proposes) and not subject.archived
    text = draft.text if editable or subject.standing is None else subject.standing.prompt.text
    values = {"subject": subject, "form": draft, "editable": editable, "saves": saves, **more}
    values["preview"] = subject.preview(text)
    if _by_htmx():
        response = make_response(render_template("prompts/_editor.html", **values), status)
        response.headers["HX-Retarget"] = "#editor"
        response.headers["HX-Reswap"] = "outerHTML"
        return response
    return render_template("prompts/page.html", **values), status


def _review(environment: str, subject: Subject, draft: Draft):
    found = review(repository(), environment, subject, draft)
    return _reviewed(environment, subject, draft, review=found, unchanged=found is None)


def _reviewed(environment: str, subject: Subject, draft: Draft, status: int = 200, **verdict):
    """The verdict in the form's own place, so that htmx leaves the text as it is being typed."""
    if _by_htmx():
        return render_template("prompts/_review.html", subject=subject, **verdict), status
    return _page(environment, subject, draft, status, **verdict)


def _save(environment: str, key: PromptKey, draft: Draft):
    edits = [draft.edit(key)]
    outcome = editing.save(repository(), environment, edits, caller().author, draft.reason)
    if outcome.commit is None:
        subject = subject_of(environment, key.character, key.emotion)
        return _reviewed(environment, subject, draft, unchanged=True)
    title, number = title_of(outcome.catalogue, key), _number(outcome, key)
    flash(f"Saved {title} as version {number} in {environment}.", "good")
    return redirect(request.script_root + request.path, 303)  # the editor's own address


def _refused(environment: str, subject: Subject, draft: Draft, error: PromptRepoError):
    """The editor with what was typed, and why it was not saved."""
    if isinstance(error, EditConflict):
        return _conflict(environment, subject, draft, error)
    if isinstance(error, InvalidDocument):
        return _reviewed(environment, subject, draft, 422, problems=error.problems)
    return _reviewed(environment, subject, draft, status_of(error), refusal=str(error))


def _conflict(environment: str, subject: Subject, draft: Draft, error: EditConflict):
    """Base, theirs, yours and the merge; saving from here is an edit of what stands now."""
    conflict = error.conflicts[0]
    merged = conflict.merged if conflict.merged is not None else conflict.merged_with_markers
    again = Draft(merged, draft.notes, draft.tags, draft.reason, error.head, changed=True)
    shown = conflict_view(repository(), conflict, error.head)
    return _page(environment, subject, again, 409, conflict=shown)


def _number(outcome: Outcome, key: PromptKey) -> int:
    stored = outcome.catalogue.stored(key)
    return stored.held.number if stored else 0


def _address(environment: str, key: PromptKey) -> str:
    return url_for(
        "prompts.show", environment=environment, character=key.character, emotion=key.emotion
    )


def _parent(environment: str, key: PromptKey) -> str:
    if key.character is None:
        return url_for("defaults.index", environment=environment)
    return url_for("characters.show", environment=environment, character=key.character)


def _by_htmx() -> bool:
    return request.headers.get("HX-Request") == "true"
