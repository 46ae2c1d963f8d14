"""The page of Git and its mirror: where to clone from, how the mirror stands; and its webhook."""

from flask import (
    Blueprint,
    Flask,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import Response as JsonResponse
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from webapp import audit, mirror
from webapp.access import NotAllowed, Scope, access, signed
from webapp.mirror import EXTENSION, Mirroring

blueprint = Blueprint("mirror", __name__)


def init_app(app: Flask) -> None:
    """Starts the mirror."""
    mirror.init_app(app)


@blueprint.get("/repository")
@access(Scope.ADMIN)
def show() -> str:
    """Where to clone from, and how the mirror stands."""
    found: Mirroring | None = current_app.extensions.get(EXTENSION)
    return render_template(
        "mirror/show.html",
        clone=f"{request.url_root.rstrip('/')}/git/prompts.git",
        webhook=url_for("mirror.webhook", _external=True),
        state=found.state() if found is not None else None,
    )


@blueprint.post("/repository/mirror")
@access(Scope.ADMIN)
def now() -> Response:
    """Asks for a round."""
    _mirroring().wake()
    audit.describe("mirror")
    flash("The mirror is being looked at; reload this page in a moment.", "good")
    return redirect(url_for("mirror.show"), 303)


@blueprint.post("/api/v1/mirror/webhook")
@signed
def webhook() -> tuple[JsonResponse, int]:
    """What the mirror's host calls when somebody pushed there."""
    mirroring = _mirroring()
    if not mirroring.is_from_mirror(request.get_data(), dict(request.headers)):
        raise NotAllowed("this webhook is not signed with the secret that was agreed on")
    mirroring.wake()
    audit.leave_out()
    return jsonify(status="accepted"), 202


def _mirroring() -> Mirroring:
    found: Mirroring | None = current_app.extensions.get(EXTENSION)
    if found is None:
        raise NotFound("no mirror is set; PROMPT_REPO_MIRROR_URL names one")
    return found
