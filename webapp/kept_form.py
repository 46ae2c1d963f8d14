"""Forms sent after a session ended: they wait in the page until the person has logged in again."""

import json
from collections.abc import Sequence

from flask import Blueprint, Response, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from webapp.access import SAFE, NotLoggedIn
from webapp.errors import answer, wants_json
from webapp.staging_access import LogInFirst

NOT_KEPT = frozenset({"csrf_token", "action"})
Pairs = Sequence[tuple[str, str]]


def keeps_forms(blueprint: Blueprint) -> None:
    """Gives a blueprint's refused forms back to who sent them, instead of losing them."""
    blueprint.register_error_handler(NotLoggedIn, _log_in_again)


def again(goal: str) -> str | None:
    """The page that offers to go on with the form sent along a log-in; None where none was."""
    pairs = _pairs(request.form.get("kept", ""))
    return render_template("auth/again.html", pairs=pairs, goal=goal) if pairs else None


def _log_in_again(error: NotLoggedIn):
    if request.headers.get("HX-Request") and request.method != "GET":
        return Response("", 401)  # the page stays as it is; its script sends the form whole
    if request.method == "GET" or wants_json():
        return answer(error)
    return _log_in_page(error, 401)


def log_in_first(error: LogInFirst):
    """Staging's 403 to whom nobody knows: the same at every address, with a form to log in."""
    return answer(error) if wants_json() else _log_in_page(error, 403)


def _log_in_page(error: Exception, status: int) -> AnyResponse:
    """The form to log in, on to what was asked for, with the form that was sent."""
    goal = request.full_path.rstrip("?") if request.method in SAFE else request.path
    try:
        kept = "" if request.method in SAFE else _packed(request.form)
    except HTTPException:  # too large, broken off, in chunks: there is no form to keep
        return answer(error)
    page = render_template("auth/login.html", next=goal, name="", kept=kept)
    return Response(page, status, {"Cache-Control": "no-store"})  # it may hold what no disk should


def _packed(form: MultiDict[str, str]) -> str:
    return json.dumps([pair for pair in form.items(multi=True) if pair[0] not in NOT_KEPT])


def _pairs(packed: str) -> Pairs:
    """What `_packed` made; nothing where it is not of that form."""
    if not packed:
        return ()
    try:
        found = json.loads(packed)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(found, list):
        return ()
    pairs = [pair for pair in found if isinstance(pair, list) and len(pair) == 2]
    return [(name, text) for name, text in pairs if isinstance(name, str) and isinstance(text, str)]
