"""Who may enter staging: checked before anything else on every address below it, and logged.

Three things must hold: the request came to staging's own host, from the VPN where that is wanted,
and by an admin. Whoever is refused gets the same 403, whatever stands at the address, or nothing.
"""

import ipaddress
import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from flask import Flask, g, request
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.exceptions import SecurityError

from prompt_repo.repository import STAGING
from webapp import audit_entries, clock, staging_config, staging_values
from webapp.access import NOBODY, Caller, NotAllowed, NotLoggedIn, Scope, caller
from webapp.records.staging_models import AccessAttempt, StagingConfig
from webapp.security import UNTOLD, is_within, request_id
from webapp.services import records, settings

INSIDE = ("staging", "api/v1/staging")
"""Addresses of staging begin with one of these."""
SAME = timedelta(minutes=1)
"""Attempts that are alike within this time are one row."""
MOST_OF_STRANGERS = 200
"""Rows of a day for strangers of one network; one more has what goes beyond."""
CUSTOMER = 64
"""Bits of an IPv6 address that tell one customer from another; the rest is the customer's."""
HOST, NETWORK = "another host", "another network"
NOT_ADMIN, NOT_KNOWN = "no admin", "nobody is logged in"


class StagingRefused(NotAllowed):
    """Somebody is not let into staging; tells neither what is there nor which rule it was."""

    def __init__(self) -> None:
        super().__init__("you can't get in here, or not from where you are; the attempt was logged")


class LogInFirst(StagingRefused):
    """Nobody is logged in: refused like everybody else, and a page offers to log in."""


def init_app(app: Flask) -> None:
    """Puts the check before all others."""
    app.before_request(check)
    app.add_template_global(may_enter, "may_enter_staging")


def check() -> None:
    """Lets a request pass that is not about staging, or may enter it; raises as `enter` does."""
    if concerns(request.path):
        enter()


def enter() -> None:
    """Lets a request into staging, or raises StagingRefused; LogInFirst where it may log in.

    What a page's script asks for, and a token that is no good, are NotLoggedIn: inside alone.
    """
    config = staging_config.current(records(), settings())
    why = why_not(config)
    try:
        who = caller()
    except NotLoggedIn as error:
        _log(NOBODY, "refused", why or "a token that is no good")
        raise (StagingRefused if why else error) from None
    if not why and who is NOBODY:
        _log(who, "refused", NOT_KNOWN)
        raise NotLoggedIn if request.headers.get("HX-Request") else LogInFirst
    if not why and not _is_admin(who):
        why = NOT_ADMIN
    _log(who, "refused" if why else "allowed", why)
    if why:
        raise StagingRefused


def concerns(path: str) -> bool:
    """Whether an address is below staging, also where nothing stands at it."""
    plain = re.sub("/+", "/", path).lstrip("/")  # routing takes several for one
    return any(plain == each or plain.startswith(f"{each}/") for each in INSIDE)


def may_enter() -> bool:
    """Whether whoever asks would be let in, so that others see no way there."""
    if "may_enter_staging" not in g:
        who = caller()
        g.may_enter_staging = _is_admin(who) and not why_not(
            staging_config.current(records(), settings())
        )
    return bool(g.may_enter_staging)


def why_not(config: StagingConfig) -> str:
    """Which rule keeps this request out, whoever it is of; empty where none does."""
    try:
        host = request.host
    except SecurityError:  # none of PROMPT_REPO_HOSTS
        return HOST
    if config.admin_subdomain and not _is_at(config.admin_subdomain, host):
        return HOST
    if config.vpn_required and not _is_in_vpn():
        return NETWORK
    return ""


def shut_out(config: StagingConfig) -> str:
    """Why the one who saves this configuration could not come back to it; empty where they can."""
    why = why_not(config)
    if why == HOST:
        return (
            f"you would be shut out: you are at {request.host[:120]}. Open this page at the new "
            "host first, then save it"
        )
    if why == NETWORK:
        return (
            f"you would be shut out: {request.remote_addr} is in no network of the VPN. Connect "
            "to it first, then save it"
        )
    return ""


def _is_at(subdomain: str, host: str) -> bool:
    """Whether a request names this host, and no other one in its address."""
    if staging_values.asked_host(host) != subdomain:
        return False
    told = (str(request.environ.get(name, "")) for name in ("REQUEST_URI", "RAW_URI"))
    named = [each for each in told if each.lower().startswith(("http://", "https://"))]
    hosts = {staging_values.asked_host(urlsplit(each).netloc.rpartition("@")[2]) for each in named}
    return hosts <= {subdomain}


def _is_in_vpn() -> bool:
    """Whether a request comes from the VPN, by the word of those alone who are trusted with it."""
    if request.environ.get(UNTOLD):
        return False
    return is_within(request.remote_addr or "", settings().vpn_networks)


def _is_admin(who: Caller) -> bool:
    return Scope.ADMIN in who.scopes and (who.environments is None or STAGING in who.environments)


def _log(who: Caller, outcome: str, why: str) -> None:
    """Keeps an attempt; the same again within a minute counts up.

    Strangers may ask for as many addresses as they like: a network has so many rows a day, and one
    more for what goes beyond. The program's log has a line for each of them all the same.
    """
    now = clock.now()
    told = {
        "actor": audit_entries.cleaned(who.actor)[:80],
        "address": (request.remote_addr or "")[:64],
        "host": audit_entries.cleaned(request.headers.get("Host", ""))[:255],
        "method": request.method[:16],
        "path": audit_entries.cleaned(request.path)[:300],
        "outcome": outcome,
        "why": why[:120],
    }
    network = neighbourhood(told["address"]) if who is NOBODY else ""
    with records().writing(lasting=False) as session:
        found = _alike(session, told, now)
        folded = found is None and bool(network) and _is_full(session, network, now)
        if folded:
            found = _day_of(session, network, now, folded=True)
        if found is None:
            made = AccessAttempt(at=now, last_at=now, times=1, request_id=request_id(), **told)
            made.network, made.folded = network, folded
            session.add(made)
        else:
            again = update(AccessAttempt).where(AccessAttempt.id == found)
            session.execute(again.values(last_at=now, times=AccessAttempt.times + 1, **told))


def _alike(session: Session, told: dict[str, str], now: datetime) -> int | None:
    """The row of the very same attempt within the last minute."""
    same = [getattr(AccessAttempt, name) == value for name, value in told.items()]
    return session.scalar(
        select(AccessAttempt.id)
        .where(*same, AccessAttempt.last_at > now - SAME, AccessAttempt.folded.is_(False))
        .limit(1)
    )


def _is_full(session: Session, network: str, now: datetime) -> bool:
    """Whether strangers of a network have all the rows of a day."""
    return _day_of(session, network, now, folded=False, behind=MOST_OF_STRANGERS - 1) is not None


def _day_of(
    session: Session, network: str, now: datetime, folded: bool, behind: int = 0
) -> int | None:
    """A row of this day's of a network, behind so many."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return session.scalar(
        select(AccessAttempt.id)
        .where(AccessAttempt.network == network, AccessAttempt.at >= today)
        .where(AccessAttempt.folded.is_(folded))
        .order_by(AccessAttempt.at)
        .offset(behind)
        .limit(1)
    )


def neighbourhood(address: str) -> str:
    """Where a stranger comes from: an address, of IPv6 the network that one customer has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address or "unknown"
    if found.version == 4 or found.ipv4_mapped is not None:
        return str(found if found.version == 4 else found.ipv4_mapped)
    return str(ipaddress.ip_network((found, CUSTOMER), strict=False))
