"""Logging in and out by the browser, and one's own password."""

import re
from datetime import timedelta

from flask import (
    Blueprint,
    Flask,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from webapp import audit, kept_form, limits, people
from webapp.access import NOBODY, SCOPES_OF, Caller, Role, Scope, access, caller, public
from webapp.form_check import FormCheck
from webapp.formatting import capitalize_first
from webapp.people import LoggedIn, PeopleError
from webapp.records.models import Account
from webapp.services import records, settings

blueprint = Blueprint("auth", __name__)
LOCAL = re.compile(r"/(?![/\\])[^\x00-\x20\\]*")
"""A place on this server to go to after logging in; never another server's."""


class Person(UserMixin):  # type: ignore[misc]
    """The one who is logged in, as templates see them: `current_user`."""

    def __init__(self, account: Account | LoggedIn, key: str) -> None:
        self.account_id, self.key = account.id, key
        self.name, self.display_name = account.name, account.display_name
        self.email, self.role = account.email, Role(account.role)
        self.must_change_password = account.one_time_until is not None

    def get_id(self) -> str:
        """What the session cookie holds: the key of this log-in, not the account."""
        return self.key


def init_app(app: Flask) -> None:
    """Sets up sessions, log-ins and the check of forms."""
    manager = LoginManager()
    # Not init_app: it looks into the session after every request, for a cookie we don't use,
    # and so makes every answer vary by cookie.
    app.login_manager = manager  # type: ignore[attr-defined]
    manager.session_protection = None
    # So it has no use for its digest of address and browser, which it works out for every request
    # all the same, and puts into every cookie.
    manager._session_identifier_generator = str
    manager.user_loader(_person)
    app.context_processor(lambda: {"current_user": current_user, "may": _may})
    app.extensions["session_caller"] = _session_caller
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # access.check asks, once it knows who calls
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # as long as the session: people write for hours
    FormCheck(app)
    app.register_blueprint(blueprint)


@blueprint.get("/login")
@public
def log_in() -> str | Response:
    goal = local(request.args.get("next", ""))
    if current_user.is_authenticated:
        return redirect(goal)
    return render_template("auth/login.html", next=goal, name="")


@blueprint.post("/login")
@public
def check_password() -> str | tuple[str, int] | Response:
    name, goal = request.form.get("name", ""), local(request.form.get("next", ""))
    g.keeps_a_form = bool(request.form.get("kept"))
    try:
        account = people.authenticate(records(), name, request.form.get("password", ""))
        if account is None:
            raise PeopleError("that name and password don't open an account")
    except PeopleError as error:
        audit.note("log-in", people.normal(name)[:64], outcome="refused")
        shown = {"next": goal, "name": name[:64], "error": f"{capitalize_first(str(error))}."}
        return render_template("auth/login.html", **shown), 422
    open_session(account)
    audit.note("log-in", account.name)
    if account.one_time_until is not None:
        return redirect(url_for("auth.account"))
    response = make_response(kept_form.again(goal) or redirect(goal))
    limits.remember_browser(response, account.name)
    return response


@blueprint.after_request
def _unstored(response: Response) -> Response:
    """Keeps what waits in a page for its log-in from the browser's disk: it may be anything."""
    if g.get("keeps_a_form"):
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/logout")
@public
def log_out() -> Response:
    if current_user.is_authenticated:
        audit.note("log-out", current_user.name, actor=f"person:{current_user.name}")
        people.end_login(records(), current_user.key)
        logout_user()
    session.clear()
    return redirect(url_for("auth.log_in"))


@blueprint.get("/account")
@access(Scope.READ, always=True)
def account() -> str:
    return _account()


@blueprint.post("/account/password")
@access(Scope.READ, always=True)
def change_password() -> tuple[str, int] | Response:
    form, name = request.form, caller().name
    first = caller().must_change_password
    try:
        if not first and people.authenticate(records(), name, form.get("current", "")) is None:
            raise PeopleError("the current password is not right")
        if form.get("new", "") != form.get("again", ""):
            raise PeopleError("the new password was not typed the same twice")
        if first and people.authenticate(records(), name, form.get("new", "")) is not None:
            raise PeopleError("choose another password than the one you were given")
        people.set_password(records(), name, form.get("new", ""))
    except PeopleError as error:
        return _account(error=f"{capitalize_first(str(error))}."), 422
    open_session(people.found(records(), name))
    audit.note("password", name)
    flash("Password changed. Every other browser has been logged out.", "good")
    return redirect("/" if first else url_for("auth.account"))


def _account(**shown: str) -> str:
    who = caller()
    if who.must_change_password:
        return render_template("auth/first_password.html", **shown)
    by_provider = who.account_id in people.by_provider(records())
    return render_template("auth/account.html", by_provider=by_provider, **shown)


def open_session(account: Account) -> None:
    """Logs the browser in under a new session: nothing of the one before is carried over."""
    lasts = timedelta(hours=settings().session_hours)
    if current_user.is_authenticated:
        people.end_login(records(), current_user.key)
    session.clear()
    g.pop("csrf_token", None)
    session.permanent = True
    key = people.begin_login(records(), account, lasts)
    login_user(Person(account, key))
    g.caller = _caller(Person(account, key))


def _person(key: str) -> Person | None:
    """Whoever logged in under a key, looked up once a request."""
    known: Person | None = g.get("person")
    if known is None or known.key != key:
        account = people.logged_in(records(), key)
        known = g.person = Person(account, key) if account else None
    return known


def _session_caller() -> Caller:
    """Who asks, without the detour that flask-login takes for what we don't use of it."""
    key = session.get("_user_id")
    person = _person(key) if key else None
    return _caller(person) if person else NOBODY


def _caller(person: Person) -> Caller:
    return Caller(
        actor=f"person:{person.name}",
        name=person.name,
        display_name=person.display_name,
        email=person.email,
        role=person.role,
        scopes=SCOPES_OF[person.role],
        account_id=person.account_id,
        must_change_password=person.must_change_password,
    )


def _may(scope: str) -> bool:
    return caller().may(scope)


def local(goal: str) -> str:
    """The place to go to that was asked for, where it is one of ours; else the first page."""
    return goal if LOCAL.fullmatch(goal) else "/"
