"""The history of a prompt: its timeline, single versions, comparison and revert."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from prompt_repo import diffing, editing
from prompt_repo.blame import LOOK_BACK
from prompt_repo.errors import (
    EditConflict,
    InvalidDocument,
    InvalidReason,
    Problem,
)
from prompt_repo.expectations import AtCommit
from prompt_repo.model import Prompt, Version
from webapp import versions
from webapp.access import Scope, access, caller
from webapp.appearance import may_save
from webapp.kept_form import keeps_forms
from webapp.prompt_routes import ENVIRONMENT, on_prompts, subject_of
from webapp.reading import Subject
from webapp.services import repository

blueprint = Blueprint("history", __name__, url_prefix=ENVIRONMENT)
keeps_forms(blueprint)
WHOLE = 1_000_000  # lines of context: more than a prompt can have


@on_prompts(blueprint, "/history")
@access(Scope.READ)
def timeline(environment: str, character: str | None, emotion: str):
    """Versions, newest first, a page at a time."""
    subject = subject_of(environment, character, emotion)
    moments, cursor = versions.moments(repository(), subject, request.args.get("cursor"))
    older = request.headers.get("HX-Request") == "true"  # more of a list in which two are chosen
    standing = [each.version.number for each in moments if not (older or each.version.removed)]
    return render_template(
        "history/timeline.html",
        subject=subject,
        moments=moments,
        next_cursor=cursor,
        newest=subject.version.number if subject.version else 0,
        comparable=bool(subject.version and subject.version.number > 1),
        chosen_to=standing[0] if standing else None,
        chosen_from=standing[1] if len(standing) > 1 else None,
    )


@on_prompts(blueprint, "/history/<int:number>")
@access(Scope.READ)
def version(environment: str, character: str | None, emotion: str, number: int):
    """One version: what it said, who wrote it, when and why."""
    subject = subject_of(environment, character, emotion)
    found = _numbered(subject, number)
    read = versions.read(repository(), found)
    is_current = subject.version is not None and subject.version.number == number
    return render_template(
        "history/version.html",
        subject=subject,
        version=found,
        prompt=read if isinstance(read, Prompt) else None,
        broken=read if isinstance(read, InvalidDocument) else None,
        raw=_text(found),
        is_current=is_current,
        previous=number - 1 if versions.has_text(repository(), subject, number - 1) else None,
        revertable=_may_revert(environment, subject) and not is_current and _is_prompt(found),
    )


@on_prompts(blueprint, "/blame")
@access(Scope.READ)
def blame(environment: str, character: str | None, emotion: str):
    """Who last touched each line of what stands."""
    subject = subject_of(environment, character, emotion)
    stretches = versions.lines(repository(), subject)
    return render_template(
        "history/blame.html", subject=subject, stretches=stretches, look_back=LOOK_BACK
    )


@on_prompts(blueprint, "/compare")
@access(Scope.READ)
def compare(environment: str, character: str | None, emotion: str):
    """Two versions, side by side or in one column."""
    subject = subject_of(environment, character, emotion)
    old, new = (_numbered(subject, asked_number(name)) for name in ("from", "to"))
    before, after = _text(old), _text(new)
    context = WHOLE if "whole" in request.args else 3
    rows = diffing.rows(before, after, context) if before != after else ()
    inline = request.args.get("view") == "inline"
    current = subject.version.number if subject.version else 0
    standing = [each.number for each in (old, new) if _is_prompt(each) and each.number != current]
    return render_template(
        "history/compare.html",
        subject=subject,
        old=old,
        new=new,
        rows=diffing.inline(rows) if inline else rows,
        inline=inline,
        whole="whole" in request.args,
        folds=any(row.kind == "fold" for row in rows),
        size=diffing.size(before, after),
        revertable=sorted(set(standing)) if _may_revert(environment, subject) else [],
    )


@on_prompts(blueprint, "/history/<int:number>/revert")
@access(Scope.WRITE)
def revert(environment: str, character: str | None, emotion: str, number: int):
    """Shows what reverting would change, and asks for a reason."""
    subject = subject_of(environment, character, emotion)
    if not _may_revert(environment, subject):
        return redirect(_address("timeline", environment, subject))
    return _revert_page(subject, _numbered(subject, number), reason=f"Revert to version {number}")


@on_prompts(blueprint, "/history/<int:number>/revert", "POST")
@access(Scope.WRITE)
def go_back(environment: str, character: str | None, emotion: str, number: int):
    """Makes a new version that says what an old one said."""
    subject = subject_of(environment, character, emotion)
    reason, base = request.form.get("reason", ""), AtCommit(request.form.get("base", ""))
    author = caller().author
    try:
        outcome = editing.revert(
            repository(), environment, subject.key, number, author, reason, base
        )
    except EditConflict:
        subject = subject_of(environment, character, emotion)
        return _revert_page(subject, _numbered(subject, number), reason=reason, moved=True), 409
    except (InvalidDocument, InvalidReason) as error:
        errors = getattr(error, "problems", None) or [Problem("", str(error))]
        found = _numbered(subject, number)
        return _revert_page(subject, found, reason=reason, errors=errors), 422
    if outcome.commit is None:
        flash("What stands says that already; nothing changed.")
    else:
        stored = outcome.catalogue.stored(subject.key)
        assert stored is not None
        flash(f"Reverted to version {number}; it is now version {stored.held.number}.", "good")
    return redirect(_address("timeline", environment, subject), 303)


def _revert_page(subject: Subject, old: Version, **more):
    before, after = _text(subject.version) if subject.version else "", _text(old)
    return render_template(
        "history/revert.html",
        subject=subject,
        version=old,
        base=subject.catalogue.commit,
        rows=diffing.rows(before, after) if before != after else (),
        size=diffing.size(before, after),
        **more,
    )


def _numbered(subject: Subject, number: int) -> Version:
    return versions.numbered(repository(), subject, number)


def asked_number(name: str) -> int:
    """A version's number from the query; 400 where it is none."""
    number = request.args.get(name, "")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        abort(400, "choose two versions to compare: ?from=1&to=2")
    return int(number)


def _is_prompt(version: Version) -> bool:
    return isinstance(versions.read(repository(), version), Prompt)


def _text(version: Version) -> str:
    return versions.text_of(repository(), version)


def _may_revert(environment: str, subject: Subject) -> bool:
    return may_save(environment) and not subject.archived


def _address(view: str, environment: str, subject: Subject) -> str:
    return url_for(
        f"history.{view}",
        environment=environment,
        character=subject.key.character,
        emotion=subject.key.emotion,
    )
