"""Logging in and out by the browser, and one's own password."""

import re
from datetime import timedelta

from flask import (
    Blueprint,
    Flask,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from webapp import audit, kept_form, people
from webapp.access import NOBODY, SCOPES_OF, Caller, Role, Scope, access, caller, public
from webapp.people import PeopleError
from webapp.records.models import Account
from webapp.services import records, settings

blueprint = Blueprint("auth", __name__)
LOCAL = re.compile(r"/(?![/\\])[^\x00-\x20\\]*")
"""A place on this server to go to after logging in; never another server's."""


class Person(UserMixin):  # type: ignore[misc]
    """The one who is logged in, as templates see them: `current_user`."""

    def __init__(self, account: Account, key: str) -> None:
        self.account_id, self.key = account.id, key
        self.name, self.display_name = account.name, account.display_name
        self.email, self.role = account.email, Role(account.role)

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
    manager.user_loader(_person)
    app.context_processor(lambda: {"current_user": current_user, "may": _may})
    app.extensions["session_caller"] = _session_caller
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # access.check asks, once it knows who calls
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # as long as the session: people write for hours
    CSRFProtect(app)
    app.register_blueprint(blueprint)


@blueprint.get("/login")
@public
def log_in() -> str | Response:
    if current_user.is_authenticated:
        return redirect(_next(request.args.get("next", "")))
    return render_template("auth/login.html", next=_next(request.args.get("next", "")), name="")


@blueprint.post("/login")
@public
def check_password() -> str | tuple[str, int] | Response:
    name, goal = request.form.get("name", ""), _next(request.form.get("next", ""))
    account = people.authenticate(records(), name, request.form.get("password", ""))
    if account is None:
        audit.note("log-in", people.normal(name)[:64], outcome="refused")
        error = "That name and password don't open an account."
        return render_template("auth/login.html", next=goal, name=name[:64], error=error), 422
    open_session(account)
    audit.note("log-in", account.name)
    return kept_form.again(goal) or redirect(goal)


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
@access(Scope.READ)
def account() -> str:
    return render_template("auth/account.html")


@blueprint.post("/account/password")
@access(Scope.READ)
def change_password() -> tuple[str, int] | Response:
    form = request.form
    known = people.authenticate(records(), caller().name, form.get("current", ""))
    try:
        if known is None:
            raise PeopleError("The current password is not right.")
        if form.get("new", "") != form.get("again", ""):
            raise PeopleError("The new password was not typed the same twice.")
        people.set_password(records(), caller().name, form.get("new", ""))
    except PeopleError as error:
        return render_template("auth/account.html", error=str(error)), 422
    open_session(known)
    audit.note("password", known.name)
    flash("Password changed. Every other browser has been logged out.", "success")
    return redirect(url_for("auth.account"))


def open_session(account: Account) -> None:
    """Logs the browser in under a new session: nothing of the one before is carried over."""
    lasts = timedelta(hours=settings().session_hours)
    session.clear()
    g.pop("csrf_token", None)
    session.permanent = True
    key = people.begin_login(records(), account, lasts)
    login_user(Person(account, key))
    g.caller = _caller(Person(account, key))


def _person(key: str) -> Person | None:
    account = people.logged_in(records(), key)
    return Person(account, key) if account else None


def _session_caller() -> Caller:
    return _caller(current_user) if current_user.is_authenticated else NOBODY


def _caller(person: Person) -> Caller:
    return Caller(
        actor=f"person:{person.name}",
        name=person.name,
        display_name=person.display_name,
        email=person.email,
        role=person.role,
        scopes=SCOPES_OF[person.role],
        account_id=person.account_id,
    )


def _may(scope: str) -> bool:
    return caller().may(scope)


def _next(goal: str) -> str:
    return goal if LOCAL.fullmatch(goal) else "/"
