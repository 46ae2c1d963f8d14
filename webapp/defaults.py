"""The page of the global defaults."""

from flask import Blueprint, render_template

from webapp.access import Scope, access
from webapp.prompt_routes import ENVIRONMENT
from webapp.reading import default_rows, removed_rows
from webapp.services import repository

blueprint = Blueprint("defaults", __name__, url_prefix=ENVIRONMENT)


@blueprint.get("/defaults")
@access(Scope.READ)
def index(environment: str):
    """Every default, and those that were removed."""
    prompts = repository()
    catalogue = prompts.current(environment)
    return render_template(
        "defaults/index.html",
        rows=default_rows(prompts, catalogue),
        removed=removed_rows(prompts, catalogue, [None]),
    )
