"""Forms sent after a session ended: they wait in the page until the person has logged in again."""

import json
from collections.abc import Sequence

from flask import Blueprint, Response, render_template, request
from werkzeug.datastructures import MultiDict

from webapp.access import NotLoggedIn
from webapp.errors import answer, wants_json

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
    kept = _packed(request.form)
    page = render_template("auth/login.html", next=request.path, name="", kept=kept)
    return Response(page, 401, {"Cache-Control": "no-store"})  # it may hold what no disk should


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
