"""Who may do what: roles, token scopes, and the one check that every request passes.

Every route declares what it needs, or it is refused:

    @blueprint.get("/characters")
    @access(Scope.READ)
    def index(): ...

    @blueprint.post("/characters")      # another method that needs more is another function
    @access(Scope.WRITE)
    def create(): ...

    @blueprint.get("/login")
    @public
    def log_in(): ...

`access` stands below the route's decorator, so that the route gets the marked function. A scope
is had by a person's role (`SCOPES_OF`) or by a token. Where the route's address holds `<env>` or
`<environment>`, a token must be for that environment; a view that learns it from elsewhere calls
`require_environment`. Inside a view `caller()` says who asks, `caller().author` is whom a commit
names, and templates ask `may("write")`.

Tokens count under /api/, and under /git/ as the password of HTTP basic auth, where nothing else
counts. Everything else, and /api/ without a token, goes by the browser's session, whose unsafe
methods need the CSRF token.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from flask import Request, current_app, g, request

from prompt_repo.model import Author

View = TypeVar("View", bound=Callable[..., Any])
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
API, GIT = "/api/", "/git/"


class Role(StrEnum):
    """What a person is, from least to most."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a request may do."""

    READ = "read"
    REVIEW = "review"
    WRITE = "write"
    PROMOTE = "promote"
    ADMIN = "admin"


SCOPES_OF = {
    Role.VIEWER: frozenset({Scope.READ}),
    Role.REVIEWER: frozenset({Scope.READ, Scope.REVIEW}),
    Role.ADMIN: frozenset(Scope),
}
"""What a role brings: the requirements have admins write; reviewers propose, comment and review."""
IMPLIED = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.REVIEW: frozenset({Scope.READ, Scope.REVIEW}),
    Scope.WRITE: frozenset({Scope.READ, Scope.REVIEW, Scope.WRITE}),
    Scope.PROMOTE: frozenset({Scope.READ, Scope.PROMOTE}),
    Scope.ADMIN: frozenset(Scope),
}
"""What a token's scope brings along: one that may write may read what it wrote, and propose."""


class Refused(Exception):
    """A request that is not let through, with a sentence a person can act on."""


class NotLoggedIn(Refused):
    """Nobody known asks; `given` tells that credentials were there, but no good."""

    def __init__(self, message: str = "log in, or send a token", *, given: bool = False) -> None:
        self.given = given
        super().__init__(message)


class NotAllowed(Refused):
    """The one who asks is known, and may not do this."""


class PasswordMustChange(NotAllowed):
    """Somebody logged in by a password that an admin gave them, and must choose their own."""

    def __init__(self) -> None:
        super().__init__("choose a password of your own first; the one you have was for once only")


class UndeclaredAccess(Refused):
    """A route says nothing about who may use it, so nobody may."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `environments` is None where all are meant; `actor` is what the audit log says."""

    actor: str = "nobody"
    name: str = ""
    display_name: str = ""
    email: str = ""
    role: Role | None = None
    scopes: frozenset[Scope] = frozenset()
    environments: frozenset[str] | None = None
    account_id: int | None = None
    token_id: int | None = None
    made_by: int | None = None
    must_change_password: bool = False

    @property
    def author(self) -> Author:
        """Whom a commit of theirs names."""
        return Author(self.display_name or self.name, self.email)

    @property
    def person_id(self) -> int | None:
        """The account behind them: their own, or that of whoever made the token."""
        return self.made_by if self.account_id is None else self.account_id

    def may(self, scope: Scope | str) -> bool:
        """Whether they have a scope."""
        return scope in self.scopes


NOBODY = Caller()


@dataclass(frozen=True, slots=True)
class Declared:
    """What a route needs; without a scope it is open to everybody.

    `always` is for what somebody may do who must choose a password before all else. A request that
    `proves_itself` carries a signature that the view checks, and so needs no CSRF token.
    """

    scope: Scope | None
    always: bool = False
    proves_itself: bool = False


_EVERYBODY = Declared(None)
_SIGNED = Declared(None, proves_itself=True)


def access(scope: Scope, *, always: bool = False) -> Callable[[View], View]:
    """Marks a view as needing a scope; for `always` see Declared."""
    return lambda view: _mark(view, Declared(scope, always))


def public(view: View) -> View:
    """Marks a view as open to everybody."""
    return _mark(view, _EVERYBODY)


def signed(view: View) -> View:
    """Marks a view as open to whoever signs the request; the view itself checks the signature."""
    return _mark(view, _SIGNED)


def declared(view: Callable[..., Any]) -> Declared | None:
    """What a view was marked with."""
    found = getattr(view, "__access__", None)
    return found if isinstance(found, Declared) else None


def caller() -> Caller:
    """Who asks, found out once a request; raises NotLoggedIn for a token that is no good."""
    found: Caller | None = g.get("caller")
    if found is None:
        found = g.caller = _who_asks()
    return found


def require_environment(environment: str) -> None:
    """Raises NotAllowed where the caller's token is not for this environment."""
    allowed = caller().environments
    if allowed is not None and environment not in allowed:
        names = " and ".join(sorted(allowed)) or "no environment"
        raise NotAllowed(f"this token is for {names}, not for {environment[:80]}")


def check() -> None:
    """Lets a request through or raises Refused; runs before every view."""
    # Not by the proxy, each look through which costs as much as what it finds.
    here: Request = request._get_current_object()  # type: ignore[attr-defined]
    endpoint = here.endpoint
    if endpoint is None:  # no such route: Flask answers that
        return
    needs = declared(current_app.view_functions[endpoint])
    if needs is None:
        raise UndeclaredAccess(f"{endpoint} does not say who may use it, so nobody may")
    if needs.scope is not None:
        who = _require(needs.scope, here.view_args or {})
        if who.must_change_password and not needs.always:
            raise PasswordMustChange
    if here.method not in SAFE and not _by_token() and not needs.proves_itself:
        current_app.extensions["csrf"].protect()


def _require(scope: Scope, named: Mapping[str, Any]) -> Caller:
    who = caller()
    if who is NOBODY:
        raise NotLoggedIn
    if scope not in who.scopes:
        whoever = f"a {who.role}" if who.role else who.actor
        raise NotAllowed(f"this needs the right to {scope}; {whoever} does not have it")
    environment = named.get("env") or named.get("environment")
    if environment is not None:
        require_environment(environment)
    return who


def _who_asks() -> Caller:
    header = request.headers.get("Authorization", "")
    if request.path.startswith(GIT):
        return _by_git(header)
    if header and request.path.startswith(API):
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer":
            raise NotLoggedIn("send the token as `Authorization: Bearer …`", given=True)
        found: Caller | None = current_app.extensions["tokens"].caller(key.strip())
        if found is None:
            raise NotLoggedIn("this token is unknown, expired or revoked", given=True)
        return found
    from_session: Caller = current_app.extensions["session_caller"]()
    return from_session


def _by_git(header: str) -> Caller:
    """Who sends a token as git sends a password; the user's name may be any."""
    given = request.authorization
    if given is None:
        raise NotLoggedIn(
            "log in with any user name, and a token as the password", given=bool(header)
        )
    token = given.token or given.password or given.username or ""
    found: Caller | None = current_app.extensions["tokens"].caller(token.strip())
    if found is None:
        raise NotLoggedIn("this token is unknown, expired or revoked", given=True)
    return found


def _by_token() -> bool:
    found = g.get("caller")
    return found is not None and found.token_id is not None


def _mark(view: View, needs: Declared) -> View:
    view.__access__ = needs  # type: ignore[attr-defined]
    return view
