"""The search over everything: a page of results, and the first few while somebody types."""

from flask import Blueprint, make_response, render_template, request

from prompt_repo.errors import InvalidCursor
from prompt_repo.layout import prompt_key
from prompt_repo.model import PromptKey
from webapp.access import Scope, access
from webapp.finding import find
from webapp.prompt_routes import ENVIRONMENT
from webapp.services import repository

blueprint = Blueprint("search", __name__, url_prefix=ENVIRONMENT)
FEW, PAGE = 5, 25  # prompts, while somebody types and on a page


@blueprint.get("/search")
@access(Scope.READ)
def index(environment: str):
    """Characters, prompts and tags that a query is about; for htmx the first few, as options."""
    query = request.args.get("q", "").strip()[:200]
    by_htmx = request.headers.get("HX-Request") == "true"
    found = find(repository(), environment, query, FEW if by_htmx else PAGE, _cursor())
    page = "_options" if by_htmx else "index"
    answer = make_response(render_template(f"search/{page}.html", found=found))
    answer.vary.add("HX-Request")
    return answer


def _cursor() -> PromptKey | None:
    """The prompt to go on after: `defaults/idle`, or `aria/idle` with the character's id."""
    after = request.args.get("after", "")
    if not after:
        return None
    folder, parted, emotion = after.partition("/")
    if not parted:
        raise InvalidCursor(after)
    return prompt_key(folder or None, emotion)
