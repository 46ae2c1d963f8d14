"""Looking up which fake stands for whom: for admins, with a reason, and in the audit log."""

import hashlib

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response

from sync.errors import SyncError
from sync.mapping import Found
from webapp import audit
from webapp.access import Scope, access
from webapp.config import InvalidSetting
from webapp.formatting import capitalize_first
from webapp.kept_form import keeps_forms
from webapp.services import settings
from webapp.staging_secrets import key_of, mapping_of

blueprint = Blueprint("mapping", __name__, url_prefix="/staging/mapping")
keeps_forms(blueprint)
LONGEST, SHORTEST_REASON = 400, 8
ORIGINAL, FAKE = "original", "fake"


class CantLookUp(Exception):
    """A look-up that is refused; says why."""


@blueprint.get("")
@access(Scope.ADMIN)
def index() -> str:
    """An empty form."""
    return _page()


@blueprint.post("")
@access(Scope.ADMIN)
def look_up() -> Response:
    """Looks one value up. By POST, so that it stands in no address and no log."""
    form = request.form
    value, reason = form.get("value", "").strip(), form.get("reason", "").strip()
    which = form.get("which", ORIGINAL)
    try:
        found = _found(which, value, reason)
    except (CantLookUp, SyncError, InvalidSetting) as error:
        audit.describe("mapping", which=which[:20], reason=reason, refused=str(error))
        said = f"{capitalize_first(str(error)).rstrip('.')}."
        page = make_response(_page(value=value, reason=reason, which=which, error=said), 422)
    else:
        # A fake that is one names nobody; anything else may be an original, also by mistake.
        told = value if which == FAKE and found else f"a value, {_fingerprint(value)}"
        audit.describe("mapping", which=which, value=told, reason=reason, found=len(found))
        page = make_response(
            _page(value=value, reason=reason, which=which, found=found, asked=True)
        )
    page.headers["Cache-Control"] = "no-store"
    return page


def _found(which: str, value: str, reason: str) -> list[Found]:
    if which not in (ORIGINAL, FAKE):
        raise CantLookUp("look an original up, or a fake")
    if not value or len(value) > LONGEST:
        raise CantLookUp(f"write what to look up, {LONGEST} characters at most")
    if len(reason) < SHORTEST_REASON:
        raise CantLookUp("say why you look this up; it goes into the audit log")
    mapping = mapping_of(settings(), key_of(settings()))
    if mapping is None:
        raise CantLookUp("no mapping is kept here: PROMPT_REPO_SYNC_MAPPING is off")
    try:
        return mapping.look_up(value) if which == ORIGINAL else mapping.look_up_fake(value)
    finally:
        mapping.close()


def _fingerprint(value: str) -> str:
    """Tells two look-ups of one value from those of others, by a key: it can't be guessed back."""
    key = key_of(settings()).sub_key("audit of look-ups")
    return hashlib.blake2b(
        value.encode("utf-8", "surrogatepass"), key=key, digest_size=6
    ).hexdigest()


def _page(**shown: object) -> str:
    usual = {"value": "", "reason": "", "which": ORIGINAL, "found": [], "asked": False, "error": ""}
    return render_template("staging/mapping.html", **(usual | shown), settings=settings())
