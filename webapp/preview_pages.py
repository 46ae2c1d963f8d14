"""The pages of previews: asked for from a prompt, watched in place, listed, found in the tray."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from flask import Blueprint, Flask, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from prompt_repo.errors import PromptRepoError
from prompt_repo.layout import ENVIRONMENTS
from prompt_repo.model import Character, PromptKey
from webapp import (
    audit,
    clock,
    job_progress,
    preview_asking,
    preview_errors,
    preview_serving,
    previews,
)
from webapp.access import Scope, access, caller
from webapp.editor import Draft
from webapp.errors import status_of
from webapp.formatting import capitalize_first
from webapp.preview_errors import PreviewError
from webapp.preview_limits import counts_for
from webapp.prompt_routes import ENVIRONMENT, on_prompts, subject_of
from webapp.queue import NoQueue
from webapp.reading import Subject
from webapp.records.preview_models import Preview, Status
from webapp.services import records, services
from webapp.video import Misconfigured

blueprint = Blueprint("previews", __name__)
by_prompt = Blueprint("preview_of", __name__, url_prefix=ENVIRONMENT)
ONE = "/previews/<uuid:preview>"
REFUSALS = (PreviewError, PromptRepoError, NoQueue, Misconfigured)
OFFERED = 50
WOKEN = {"HX-Trigger": "preview-asked"}
"""What tells the tray, wherever it is on the page, that there is something new."""


def init_app(app: Flask) -> None:
    """Gives every page its tray, and prompts' pages their clips."""
    app.register_blueprint(by_prompt)
    app.add_template_global(tray)
    app.add_template_global(clip_view)
    app.add_template_global(newest_clip)
    app.add_template_global(readers_offered)


def tray() -> list[Preview]:
    """What the person who asks left running, and what of it failed or is ready."""
    account = caller().account_id
    return previews.unseen(records(), account) if account is not None else []


def clip_view(preview: Preview) -> Mapping[str, Any]:
    """What a clip's part of a page shows."""
    now = clock.now()
    standing = job_progress.read(services().redis, preview.id) if preview.at_work else None
    return {
        "standing": standing,
        "playable": preview.playable(now),
        "expired": preview.status == Status.COMPLETED and not preview.playable(now),
        "filename": preview_serving.filename(preview),
        "beats": preview.facts.get("beats", ()),
        "missing": preview.facts.get("missing", ()),
    }


def newest_clip(environment: str, key: PromptKey) -> Preview | None:
    """The last preview of a prompt, if it is of use still."""
    found = previews.newest(records(), environment, key.character, key.emotion)
    return found if found and (found.at_work or found.playable(clock.now())) else None


def readers_offered(subject: Subject) -> list[Character]:
    """The first characters that read a default, to choose from; nobody for an override."""
    if subject.key.character is not None:
        return []
    return list(islice(preview_asking.readers(subject.catalogue, subject.key.emotion), OFFERED))


@on_prompts(by_prompt, "/test", "POST")
@access(Scope.WRITE)
def test(environment: str, character: str | None, emotion: str):
    """A preview of the text as typed, of a version, or of what stands."""
    subject = subject_of(environment, character, emotion)
    catalogue, key = subject.catalogue, subject.key
    try:
        if "text" in request.form:
            text = preview_asking.typed(catalogue, key, Draft.typed(request.form).text)
        elif number := request.form.get("version", type=int):
            text = preview_asking.numbered(catalogue, key, number)
        else:
            text = preview_asking.standing(catalogue, key)
        reader = request.form.get("reader") or None
        preview = preview_asking.ask(environment, catalogue, key, text, reader=reader)
    except REFUSALS as error:
        return _refused(error)
    return _shown(preview, 202)


@blueprint.get("/previews")
@access(Scope.READ)
def index() -> str:
    """Previews of everybody, newest first, or one's own."""
    mine, status = "mine" in request.args, request.args.get("status", "")
    status = status if status in tuple(Status) else ""
    found = previews.listed(records(), whose=counts_for(caller()) if mine else "", status=status)
    return render_template(
        "previews/index.html",
        found=found,
        mine=mine,
        status=status,
        statuses=tuple(Status),
        services_named=preview_asking.services_named(ENVIRONMENTS),
        now=clock.now(),
    )


@blueprint.get("/previews/tray")
@access(Scope.READ)
def show_tray() -> str:
    """The tray alone."""
    return render_template("previews/_tray.html")


@blueprint.post("/previews/seen")
@access(Scope.READ)
def seen():
    """Empties one's tray of what is over."""
    audit.leave_out()
    account = caller().account_id
    if account is not None:
        previews.see(records(), account)
    if request.headers.get("HX-Request"):
        return render_template("previews/_tray.html")
    return redirect(url_for("previews.index"), 303)


@blueprint.get(ONE)
@access(Scope.READ)
def show(preview: Any):
    """One preview; its part alone where the page asks for news of it."""
    found = previews.find(records(), str(preview))
    who = caller()
    if not found.at_work and found.seen_at is None and found.account_id == who.account_id:
        previews.see(records(), found.account_id or 0, found.id)
    page = "_clip" if request.headers.get("HX-Request") else "show"
    return render_template(f"previews/{page}.html", preview=found)


@blueprint.get(f"{ONE}/video")
@access(Scope.READ)
def video(preview: Any) -> Response:
    """The clip itself."""
    return preview_serving.clip(previews.find(records(), str(preview)))


@blueprint.post(f"{ONE}/cancel")
@access(Scope.WRITE)
def cancel(preview: Any):
    """Ends a preview; one that ended by itself meanwhile is shown as it is."""
    try:
        found = preview_asking.cancel(str(preview))
    except preview_errors.PreviewOver as error:
        found = previews.find(records(), str(preview))
        audit.describe(f"preview {preview}", preview=found.id)
        audit.failed(str(error))
    return _shown(found)


@blueprint.post(f"{ONE}/again")
@access(Scope.WRITE)
def again(preview: Any):
    """The same once more."""
    try:
        made = preview_asking.again(previews.find(records(), str(preview)))
    except REFUSALS as error:
        return _refused(error)
    account = caller().account_id
    if account is not None:
        previews.see(records(), account, str(preview))
    return _shown(made, 202)


def _shown(preview: Preview, status: int = 200):
    """The preview: in its place on the page by htmx, else on its own page."""
    if not request.headers.get("HX-Request"):
        return redirect(url_for("previews.show", preview=preview.id), 303)
    response = make_response(render_template("previews/_clip.html", preview=preview), status)
    response.headers.update(WOKEN)
    return response


def _refused(error: Exception):
    """A sentence in the clip's place for htmx, which shows 422 alone; else the error's own page."""
    if not request.headers.get("HX-Request"):
        raise error
    audit.failed(str(error), refused=status_of(error) in audit.REFUSALS)
    told = capitalize_first(str(error)).rstrip(".")
    retry = status_of(error) in (429, 503)
    return render_template("previews/_refused.html", told=told, retry=retry), 422
