"""The pages where admins let people in, say what they may do, and shut them out."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from webapp import audit, passwords, people, tokens
from webapp.access import Role, Scope, access, caller
from webapp.audit_trails import did
from webapp.formatting import capitalize_first, counted
from webapp.people import Change, PeopleError
from webapp.records.models import Account
from webapp.services import records, services

blueprint = Blueprint("accounts", __name__)
ROLES = {
    Role.VIEWER: "Reads prompts and their history.",
    Role.REVIEWER: "Reads prompts and their history, and reviews changes.",
    Role.ADMIN: "Edits and promotes prompts, and looks after people and tokens.",
}
"""What each role may do, in a sentence."""
FIELDS = ("name", "display_name", "email", "role")
UNCHANGED = "It was so already; nothing changed."


@blueprint.get("/people")
@access(Scope.ADMIN)
def index() -> str:
    """Everybody who has an account."""
    return render_template(
        "accounts/index.html",
        people=people.listed(records()),
        by_provider=people.by_provider(records()),
    )


@blueprint.get("/new-person")
@access(Scope.ADMIN)
def new() -> str:
    """An empty form."""
    return _form(dict.fromkeys(FIELDS, ""))


@blueprint.post("/new-person")
@access(Scope.ADMIN)
def create() -> tuple[str, int] | Response:
    """Makes an account, and shows its password for the first log-in."""
    form = {each: request.form.get(each, "") for each in FIELDS}
    password = passwords.one_time()
    try:
        made = people.add(
            records(),
            form["name"],
            password,
            _role(form["role"]),
            display_name=form["display_name"],
            email=form["email"],
            one_time=True,
        )
    except PeopleError as error:
        return _form(form, error=_sentence(error)), 422
    audit.describe(made.name, after={"role": made.role, "email": made.email})
    return _password_page(made, password, made_now=True)


@blueprint.get("/people/<name>")
@access(Scope.ADMIN)
def show(name: str) -> str:
    """One account, and what can be done about it."""
    return _page(_account(name))


@blueprint.post("/people/<name>/role")
@access(Scope.ADMIN)
def set_role(name: str) -> tuple[str, int] | Response:
    """Changes what somebody may do."""
    account = _account(name)
    try:
        _must_be_anothers(account, "your role is another admin’s to change")
        if account.id in people.by_provider(records()):
            raise PeopleError("this role comes from single sign-on; change it there")
        change = people.set_role(records(), name, _role(request.form.get("role", "")))
    except PeopleError as error:
        return _page(account, error=_sentence(error)), 422
    _enter(change)
    if change.before == change.after:
        flash(UNCHANGED)
    else:
        flash(f"{account.display_name} is {change.after} now.{_ended(change)}", "good")
    return _back(account)


@blueprint.post("/people/<name>/details")
@access(Scope.ADMIN)
def describe(name: str) -> tuple[str, int] | Response:
    """Changes the name and address that their commits carry from now on."""
    account = _account(name)
    typed = {each: request.form.get(each, "") for each in ("display_name", "email")}
    try:
        change = people.describe(records(), name, **typed)
    except PeopleError as error:
        return _page(account, error=_sentence(error), typed=typed), 422
    _enter(change)
    flash("Saved. Commits made before keep the name they have.", "good")
    return _back(account)


@blueprint.post("/people/<name>/password")
@access(Scope.ADMIN)
def reset_password(name: str) -> tuple[str, int] | Response:
    """Gives somebody a password for one log-in, and shows it."""
    account = _account(name)
    try:
        _must_be_anothers(account, "change your own password on the page of your account")
        password = people.reset_password(records(), name)
    except PeopleError as error:
        return _page(account, error=_sentence(error)), 422
    audit.describe(account.name, after="a password for one log-in")
    return _password_page(account, password, made_now=False)


@blueprint.post("/people/<name>/disabled")
@access(Scope.ADMIN)
def set_disabled(name: str) -> tuple[str, int] | Response:
    """Shuts somebody out at once, or lets them in again."""
    account = _account(name)
    disabled = request.form.get("disabled") == "yes"
    try:
        _must_be_anothers(account, "only another admin can shut you out")
        change = people.set_disabled(records(), name, disabled)
    except PeopleError as error:
        return _page(account, error=_sentence(error)), 422
    _enter(change)
    if change.before == change.after:
        flash(UNCHANGED)
    elif disabled:
        flash(f"{account.display_name} is shut out.{_ended(change)}", "good")
    else:
        flash(f"{account.display_name} may log in again.", "good")
    return _back(account)


def _enter(change: Change) -> None:
    audit.describe(
        change.name, before=change.before, after=change.after, tokens_ended=change.tokens_ended
    )
    if change.tokens_ended:
        services().tokens.have_ended()


def _ended(change: Change) -> str:
    return f" {counted(change.tokens_ended, 'token')} ended." if change.tokens_ended else ""


def _account(name: str) -> Account:
    try:
        return people.found(records(), name)
    except PeopleError as error:
        raise NotFound(_sentence(error)) from error


def _must_be_anothers(account: Account, otherwise: str) -> None:
    """Nobody locks themselves out by a slip; raises PeopleError."""
    if account.id == caller().account_id:
        raise PeopleError(otherwise)


def _role(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise PeopleError("choose a role") from None


def _back(account: Account) -> Response:
    return redirect(url_for("accounts.show", name=account.name), 303)


def _form(form: Mapping[str, str], **more: Any) -> str:
    return render_template("accounts/new.html", form=form, roles=ROLES, **more)


def _page(account: Account, **more: Any) -> str:
    return render_template(
        "accounts/show.html",
        person=account,
        roles=ROLES,
        by_provider=account.id in people.by_provider(records()),
        tokens=[each for each in tokens.listed(records(), account.id) if tokens.is_good(each)],
        did=did(account),
        **more,
    )


def _password_page(account: Account, password: str, *, made_now: bool) -> Response:
    page = render_template(
        "accounts/password.html", person=account, password=password, made_now=made_now
    )
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response


def _sentence(error: Exception) -> str:
    return f"{capitalize_first(str(error))}."
