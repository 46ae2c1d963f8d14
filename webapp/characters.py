"""The pages of characters: the list, one character's emotional states, and their settings."""

from dataclasses import replace

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for

from prompt_repo import editing
from prompt_repo.errors import (
    CharacterExists,
    EditConflict,
    InvalidDocument,
    InvalidId,
    InvalidReason,
    Problem,
    PromptRepoError,
)
from prompt_repo.expectations import AtCommit
from prompt_repo.layout import check_id
from prompt_repo.model import Character
from webapp.access import Scope, access, caller
from webapp.character_form import CharacterForm, clashes
from webapp.kept_form import keeps_forms
from webapp.prompt_routes import ENVIRONMENT
from webapp.reading import emotion_rows, listing, removed_rows, summary
from webapp.services import repository

blueprint = Blueprint("characters", __name__, url_prefix=ENVIRONMENT)
keeps_forms(blueprint)
NEW = CharacterForm.of(Character(id="", name=""))
REFUSALS = (InvalidDocument, InvalidId, InvalidReason, CharacterExists)


@blueprint.get("/characters")
@access(Scope.READ)
def index(environment: str):
    """Everybody, or those a search finds, with the coverage of each."""
    catalogue = repository().current(environment)
    found = listing(
        catalogue,
        repository().indexes.of(catalogue),
        request.args.get("q", "").strip()[:200],
        request.args.get("tag", "")[:64],
        request.args.get("after", ""),
        archived="archived" in request.args,
    )
    by_htmx = request.headers.get("HX-Request") == "true"
    page = "_list" if by_htmx else "index"
    home = url_for("characters.index", environment=environment) + "/"
    answer = make_response(render_template(f"characters/{page}.html", listing=found, home=home))
    answer.vary.add("HX-Request")
    return answer


@blueprint.get("/characters/<character>")
@access(Scope.READ)
def show(environment: str, character: str):
    """One character's emotional states."""
    prompts = repository()
    catalogue = prompts.current(environment)
    who = catalogue.character(check_id(character, "character"))
    return render_template(
        "characters/show.html",
        character=who,
        summary=summary(catalogue, who.id),
        rows=emotion_rows(prompts, catalogue, who.id),
        removed=removed_rows(prompts, catalogue, [who.id]),
    )


@blueprint.get("/new-character")
@access(Scope.WRITE)
def new(environment: str):
    """An empty form."""
    return render_template("characters/new.html", form=NEW)


@blueprint.post("/new-character")
@access(Scope.WRITE)
def create(environment: str):
    """Adds a character."""
    form = CharacterForm.typed(request.form)
    author = caller().author
    try:
        editing.create_character(repository(), environment, form.character(), author, form.reason)
    except REFUSALS as error:
        errors = _problems(error)
        return render_template("characters/new.html", form=form, errors=errors), 422
    flash(f"Added {form.name}.", "good")
    return redirect(_address("show", environment, form.id), 303)


@blueprint.get("/characters/<character>/character")
@access(Scope.READ)
def settings(environment: str, character: str):
    """Name, description, tags and variables; archive and restore."""
    who = repository().current(environment).character(check_id(character, "character"))
    return _settings(environment, who.id, CharacterForm.of(who))


@blueprint.post("/characters/<character>/character")
@access(Scope.WRITE)
def change(environment: str, character: str):
    """Saves the settings, unless somebody changed them since the form was opened."""
    prompts = repository()
    ident = check_id(character, "character")
    form, base = CharacterForm.typed(request.form, ident), request.form.get("base", "")
    try:
        outcome = editing.change_character(
            prompts,
            environment,
            ident,
            lambda now: replace(form.character(), archived=now.archived),
            caller().author,
            form.reason,
            AtCommit(base),
        )
    except EditConflict as conflict:
        before = prompts.catalogue(base).character(ident)
        clash = clashes(before, prompts.catalogue(conflict.head).character(ident))
        return _settings(environment, ident, form, clash=clash), 409
    except REFUSALS as error:
        return _settings(environment, ident, form, base=base, errors=_problems(error)), 422
    flash(*(("Saved.", "good") if outcome.commit else ("Nothing changed.", "message")))
    return redirect(_address("show", environment, ident), 303)


@blueprint.post("/characters/<character>/character/archive")
@access(Scope.WRITE)
def archive(environment: str, character: str):
    """Takes a character out of the lists, or brings one back."""
    ident = check_id(character, "character")
    out = request.form.get("archived") == "yes"
    step = editing.archive_character if out else editing.restore_character
    outcome = step(
        repository(),
        environment,
        ident,
        caller().author,
        f"{'Archive' if out else 'Restore'} {ident}",
    )
    if outcome.commit:
        who = outcome.catalogue.character(ident).name
        flash(f"{'Archived' if out else 'Restored'} {who}.", "good")
    else:
        flash("It was so already; nothing changed.")
    return redirect(_address("show", environment, ident), 303)


def _settings(environment: str, ident: str, form: CharacterForm, base: str = "", **more):
    prompts = repository()
    catalogue = prompts.current(environment)
    held = catalogue.character_held(ident)
    return render_template(
        "characters/settings.html",
        character=catalogue.character(ident),
        version=prompts.history.version(held.row),
        form=form,
        base=base or catalogue.commit,
        **more,
    )


def _problems(error: PromptRepoError) -> list[Problem]:
    if isinstance(error, InvalidDocument):
        return list(error.problems)
    return [Problem("", str(error))]


def _address(view: str, environment: str, character: str) -> str:
    return url_for(f"characters.{view}", environment=environment, character=character)
