"""Logging in by an identity provider, with OpenID Connect; the only importer of Authlib.

The code flow with PKCE, state and nonce. What it takes to be let in: an ID token that this
provider signed for this client just now, and a claim in it that a role is mapped to. Local
passwords go on working beside it, for the day the provider doesn't.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import (
    Blueprint,
    Flask,
    current_app,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from joserfc.errors import JoseError
from requests import RequestException
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from webapp import audit, identities
from webapp.access import public
from webapp.auth import local, open_session
from webapp.config import Settings
from webapp.formatting import capitalize_first
from webapp.people import PeopleError
from webapp.services import records, services, settings

blueprint = Blueprint("single_sign_on", __name__, url_prefix="/login/single-sign-on")
log = structlog.get_logger(__name__)
NAME = "provider"
GOAL = "single_sign_on_goal"
TIMEOUT = 10  # seconds for each question to the provider
LEEWAY = 60  # seconds the two clocks may differ
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Signatures that only the provider can make; never `none`, nor one by a shared secret."""


class SingleSignOnFailed(Exception):
    """The provider, or whoever claims to come from there, did not do as agreed."""


FAILURES = (
    SingleSignOnFailed, AuthlibBaseError, JoseError, RequestException,
    # What Authlib lets through where an answer is of another form than it takes for granted.
    ValueError, KeyError, TypeError, AttributeError, RuntimeError,
)  # fmt: skip
"""What may be raised where the provider is away, or answers as it should not."""


def init_app(app: Flask) -> None:
    """Registers the provider, where the settings name one; asks it nothing yet."""
    chosen: Settings = app.extensions["services"].settings
    app.add_template_global(_label, "single_sign_on")
    if not chosen.oidc_issuer:
        return
    app.extensions[NAME] = OAuth(app).register(
        NAME,
        client_id=chosen.oidc_client_id,
        client_secret=chosen.oidc_client_secret or None,
        server_metadata_url=f"{chosen.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": chosen.oidc_scopes,
            "code_challenge_method": "S256",
            "default_timeout": TIMEOUT,
            "leeway": 0,  # an access token is used at once, so one for a minute will do
        },
    )


@blueprint.get("")
@public
def start() -> tuple[str, int] | Response:
    """Leads to the provider."""
    provider = _provider()
    for each in [key for key in session if key.startswith("_state_")]:
        session.pop(each)  # one try at a time, so that the cookie stays small
    session[GOAL] = local(request.args.get("next", ""))
    try:
        _check_metadata(provider)
        there: Response = provider.authorize_redirect(url_for(".callback", _external=True))
    except FAILURES as error:
        return _failed(error)
    return there


@blueprint.get("/callback")
@public
def callback() -> tuple[str, int] | Response:
    """Where the provider sends people back to."""
    goal = local(session.pop(GOAL, ""))
    chosen = settings()
    try:
        said = _claims(_provider())
    except FAILURES as error:
        return _failed(error)
    role = identities.role_of(said, chosen.oidc_role_claim, chosen.oidc_roles)
    if role is None:
        return _refused(
            "Your account has no role here",
            "You are known there, but nothing about your account gives you a role here. "
            "Ask an admin to give you one.",
        )
    try:
        known = identities.Claims.of(said, chosen.oidc_issuer, role)
        account, change = identities.account_for(records(), known)
    except PeopleError as error:
        return _refused(str(error), f"{capitalize_first(str(error))}.")
    if change is not None and change.tokens_ended:
        services().tokens.have_ended()
    open_session(account)
    detail = {"before": change.before, "after": change.after} if change else {}
    audit.note("log-in", account.name, by="single sign-on", role=role, **detail)
    return redirect(goal)


def _claims(provider: Any) -> Mapping[str, Any]:
    """What the verified ID token says, and where the role's claim is not in it, userinfo."""
    metadata = _check_metadata(provider)
    chosen = settings()
    if request.args.get("iss", chosen.oidc_issuer) != chosen.oidc_issuer:
        raise SingleSignOnFailed("the answer comes from another provider")
    needed = {
        "iss": {"essential": True, "value": chosen.oidc_issuer},
        # Authlib by itself lets a token for another client pass that names us in `azp`.
        "aud": {"essential": True, "value": chosen.oidc_client_id},
        "sub": {"essential": True},
        "exp": {"essential": True},
        "nonce": {"essential": True},
    }
    token = provider.authorize_access_token(claims_options=needed, leeway=LEEWAY)
    said = token.get("userinfo")
    if said is None:
        raise SingleSignOnFailed("the provider sent no ID token")
    if "userinfo_endpoint" in metadata and not identities.values(said, chosen.oidc_role_claim):
        more = provider.userinfo(token=token)
        if more.get("sub") != said["sub"]:
            raise SingleSignOnFailed("userinfo is about somebody else")
        return {**more, **{claim: each for claim, each in said.items() if each is not None}}
    found: Mapping[str, Any] = said
    return found


def _check_metadata(provider: Any) -> Mapping[str, Any]:
    """The provider's description, with only such signatures in it as we believe."""
    metadata: dict[str, Any] = provider.load_server_metadata()
    if metadata.get("issuer") != settings().oidc_issuer:
        raise SingleSignOnFailed("the provider calls itself by another name than the settings")
    offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    believed = [each for each in offered if each in ALGORITHMS]
    if not believed:
        raise SingleSignOnFailed("the provider signs in no way that we believe")
    metadata["id_token_signing_alg_values_supported"] = believed
    return metadata


def _provider() -> Any:
    found = current_app.extensions.get(NAME)
    if found is None:
        raise NotFound("single sign-on is not set up here")
    return found


def _label() -> str:
    """What the log-in page calls it; empty where there is none."""
    return settings().oidc_label if NAME in current_app.extensions else ""


def _failed(error: Exception) -> tuple[str, int]:
    log.warning("single sign-on failed", exc_info=error)
    for kept in ("_loaded_at", "jwks"):  # asked again next time: it may have been put right there
        _provider().server_metadata.pop(kept, None)
    page, _ = _refused(
        f"{type(error).__name__}: {error}"[:300],
        "Single sign-on did not work. Try again from here; if it goes on failing, an admin finds "
        "the reason in the server's log.",
    )
    return page, 422


def _refused(why: str, sentence: str) -> tuple[str, int]:
    audit.note("log-in", "single sign-on", outcome="refused", why=why)
    return render_template("auth/login.html", next="/", name="", error=sentence), 403
