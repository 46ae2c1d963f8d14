"""The pages of API tokens: one's own, and for admins everybody's."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from prompt_repo.layout import ENVIRONMENTS
from webapp import audit, people, tokens
from webapp.access import Scope, access, caller
from webapp.formatting import capitalize_first
from webapp.records.models import Token
from webapp.services import records, services
from webapp.tokens import TokenError

blueprint = Blueprint("token_pages", __name__, url_prefix="/tokens")
SCOPES = {
    Scope.READ: "Reads prompts, histories and exports.",
    Scope.REVIEW: "Proposes changes, comments on them and reviews them, and reads.",
    Scope.WRITE: "Edits prompts on staging, merges changes, and does what Review may.",
    Scope.PROMOTE: "Carries prompts to production and back, and reads.",
    Scope.ADMIN: "Everything, also what only admins may.",
}
"""What each scope lets a program do, in a sentence."""
LIVES = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "1 year", "": "No end"}
"""How long a token may be good, in days."""
USUAL_LIFE = "90"


@dataclass(frozen=True)
class Form:
    """A token as it was typed."""

    name: str = ""
    scopes: tuple[str, ...] = (Scope.READ,)
    environments: tuple[str, ...] = (tokens.PRODUCTION,)
    days: str = USUAL_LIFE

    @classmethod
    def typed(cls) -> "Form":
        """What this request's form says."""
        sent = request.form
        return cls(
            sent.get("name", ""),
            tuple(sent.getlist("scope")),
            tuple(sent.getlist("environment")),
            sent.get("days", ""),
        )

    def make(self) -> tuple[str, Token]:
        """Makes the token; raises TokenError."""
        if not set(self.scopes) <= caller().scopes:
            raise TokenError("a token may do no more than you may")
        if not self.environments or not set(self.environments) <= set(ENVIRONMENTS):
            raise TokenError("choose where it is good: staging, production or both")
        if self.days not in LIVES:
            raise TokenError("choose how long it is good")
        mine = tokens.listed(records(), caller().account_id)
        if any(each.name == self.name.strip() and tokens.is_good(each) for each in mine):
            # As when the page of a new token is loaded again.
            raise TokenError(f"you have a token “{self.name.strip()}” already; choose another name")
        return tokens.create(
            records(),
            self.name,
            {Scope(each) for each in self.scopes},
            self.environments,
            lasts=timedelta(days=int(self.days)) if self.days else None,
            made_by=caller().account_id,
        )


@blueprint.get("")
@access(Scope.READ)
def index() -> str:
    """One's own tokens, or everybody's; those that ended come last."""
    found = list(reversed(tokens.listed(records(), _only())))
    makers = {each.id: each.display_name for each in people.listed(records())}
    return render_template(
        "tokens/index.html",
        good=[each for each in found if tokens.is_good(each)],
        over=[each for each in found if not tokens.is_good(each)],
        makers=makers,
        now=datetime.now(UTC),
    )


@blueprint.get("/new")
@access(Scope.READ)
def new() -> str:
    """An empty form."""
    return _form(Form())


@blueprint.post("/new")
@access(Scope.READ)
def create() -> tuple[str, int] | Response:
    """Makes a token and shows it, this once."""
    form = Form.typed()
    try:
        secret, made = form.make()
    except TokenError as error:
        return _form(form, error=f"{capitalize_first(str(error))}."), 422
    audit.describe(made.name, after=tokens.facts_of(made))
    response = make_response(render_template("tokens/made.html", secret=secret, token=made))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/<int:number>/revoke")
@access(Scope.READ)
def ask(number: int) -> str:
    """Says what revoking a token will do."""
    return render_template("tokens/revoke.html", token=_token(number))


@blueprint.post("/<int:number>/revoke")
@access(Scope.READ)
def revoke(number: int) -> Response:
    """Ends a token."""
    token = _token(number)
    before = tokens.facts_of(token)
    tokens.revoke(records(), token.id)
    services().tokens.have_ended()
    audit.describe(token.name, before=before, after="revoked")
    flash(f"{token.name} has ended; what still sends it gets 401.", "good")
    return redirect(url_for("token_pages.index"), 303)


def _only() -> int | None:
    """Whose tokens are shown: everybody's to admins."""
    return None if caller().may(Scope.ADMIN) else caller().account_id


def _token(number: int) -> Token:
    """A token that the one who asks may end; others' don't exist for them."""
    try:
        token = tokens.found(records(), number)
    except TokenError as error:
        raise NotFound(str(error)) from error
    if _only() not in (None, token.made_by):
        raise NotFound(f"there is no token {number}")
    return token


def _form(form: Form, **more: Any) -> str:
    mine = {scope: words for scope, words in SCOPES.items() if scope in caller().scopes}
    return render_template(
        "tokens/new.html",
        form=form,
        scopes=mine,
        lives=LIVES,
        environments=ENVIRONMENTS,
        **more,
    )
