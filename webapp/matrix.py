"""The matrix: characters by emotions in one view, and one prompt of it at a glance."""

from flask import Blueprint, make_response, render_template, request

from prompt_repo.layout import check_id
from webapp.access import Scope, access, caller
from webapp.formatting import SOURCES, first_lines
from webapp.grid import Filters, grid, row
from webapp.prompt_routes import ENVIRONMENT, on_prompts, subject_of
from webapp.services import repository

blueprint = Blueprint("matrix", __name__, url_prefix=ENVIRONMENT)
DEFAULTS_ROW = "_defaults"  # no character can have this id
GLANCE = 6  # lines of a text that a glance shows


@blueprint.get("/matrix")
@access(Scope.READ)
def index(environment: str):
    """The whole page; for htmx the grid alone, or the rows that follow."""
    found = grid(
        repository(), environment, Filters.asked(request.args), request.args.get("after", "")
    )
    by_htmx = request.headers.get("HX-Request") == "true"
    if request.args.get("select") == "1" and caller().may(Scope.REVIEW):
        page = "_select_rows" if by_htmx and "after" in request.args else "select"
    else:
        page = "index" if not by_htmx else "_rows" if "after" in request.args else "_grid"
    answer = make_response(render_template(f"matrix/{page}.html", grid=found, sources=SOURCES))
    answer.vary.add("HX-Request")
    return answer


@blueprint.get("/matrix/rows/<character>")
@access(Scope.READ)
def one(environment: str, character: str):
    """A character's row as it is now, or that of the defaults, after an edit beside the grid."""
    ident = "" if character == DEFAULTS_ROW else check_id(character, "character")
    return render_template("matrix/_changed.html", row=row(repository(), environment, ident))


@on_prompts(blueprint, "/glance")
@access(Scope.READ)
def glance(environment: str, character: str | None, emotion: str):
    """The first lines of what stands, its version and its author, for a cell looked at."""
    subject = subject_of(environment, character, emotion)
    text = subject.standing.prompt.text if subject.standing else ""
    version = repository().history.version(subject.standing.held.row) if subject.standing else None
    return render_template(
        "matrix/_glance.html",
        subject=subject,
        version=version,
        lines=first_lines(text, GLANCE),
    )


@on_prompts(blueprint, "/beside")
@access(Scope.READ)
def beside(environment: str, character: str | None, emotion: str):
    """The editor to stand beside the grid, or the text alone where it can't be edited."""
    subject = subject_of(environment, character, emotion)
    preview = subject.preview(subject.standing.prompt.text if subject.standing else "")
    return render_template("matrix/_beside.html", subject=subject, preview=preview)
