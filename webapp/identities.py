"""People of an identity provider: which account is whose, and what role they have there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp import people
from webapp.access import Role
from webapp.people import Change, PeopleError
from webapp.records import Records
from webapp.records.models import Account, Identity

EVERYBODY = "*"
LONGEST_SUBJECT = 255  # what OpenID Connect allows
ORDER = list(Role)


@dataclass(frozen=True, slots=True)
class Claims:
    """What an identity provider says of somebody; only `subject` is sure to stay the same."""

    issuer: str
    subject: str
    role: Role
    username: str = ""
    display_name: str = ""
    email: str = ""

    @classmethod
    def of(cls, said: Mapping[str, Any], issuer: str, role: Role) -> "Claims":
        """The claims of a verified ID token. An address nobody verified is no address."""
        verified = said.get("email_verified") is True
        return cls(
            issuer=issuer,
            subject=_text(said, "sub"),
            role=role,
            username=_text(said, "preferred_username") or _text(said, "name"),
            display_name=_text(said, "name"),
            email=_text(said, "email") if verified else "",
        )


def role_of(said: Mapping[str, Any], claim: str, roles: Sequence[tuple[str, str]]) -> Role | None:
    """The highest role that the values of a claim are mapped to; None where there is none."""
    had = {*values(said, claim), EVERYBODY}
    found = [Role(role) for value, role in roles if value in had]
    return max(found, key=ORDER.index, default=None)


def account_for(records: Records, claims: Claims) -> tuple[Account, Change | None]:
    """The account of somebody who was let in by their provider, made at the first time.

    It is found by issuer and subject alone: a name or an address that equals an account's
    doesn't open it. Gives also what changed of its role. Raises PeopleError for one that is shut
    out, and where the last admin would become something less.
    """
    if not 0 < len(claims.subject) <= LONGEST_SUBJECT or not claims.subject.isprintable():
        raise PeopleError("the identity provider doesn't say who this is")
    try:
        return _found_or_made(records, claims)
    except IntegrityError:  # somebody took the name, or they came by two browsers at once
        return _found_or_made(records, claims)


def _found_or_made(records: Records, claims: Claims) -> tuple[Account, Change | None]:
    with records.writing() as session:
        known = session.get(Identity, (claims.issuer, claims.subject))
        if known is None:
            return _make(session, claims), None
        account = session.get_one(Account, known.account_id)
        if account.disabled:
            raise PeopleError("this account is shut out; an admin can let it in again")
        change = None
        if account.role != claims.role:
            change = people.give_role(session, account, claims.role)
        return account, change


def _make(session: Session, claims: Claims) -> Account:
    account = people.new_account(
        _free_name(session, claims.username or claims.email),
        claims.role,
        display_name=_presentable(claims.display_name or claims.username),
        email=claims.email if people.EMAIL.fullmatch(claims.email) else "",
    )
    session.add(account)
    session.flush()
    identity = Identity(issuer=claims.issuer, subject=claims.subject, account_id=account.id)
    session.add(identity)
    return account


def _free_name(session: Session, wanted: str) -> str:
    """A log-in name that nobody has, as like the one wanted as it can be."""
    stem = re.sub(r"[^a-z0-9._@-]+", "-", people.normal(wanted)).lstrip("._@-")[:56] or "person"
    for number in count(1):
        name = stem if number == 1 else f"{stem}-{number}"
        if session.scalar(select(Account.id).where(Account.name == name)) is None:
            return name
    raise AssertionError("numbers don't end")


def _presentable(name: str) -> str:
    return "".join(each for each in name if each.isprintable() and each not in "<>")[:128].strip()


def _text(said: Mapping[str, Any], claim: str) -> str:
    found = said.get(claim)
    return found if isinstance(found, str) else ""


def values(said: Mapping[str, Any], claim: str) -> set[str]:
    """A claim's values: one or a list, by its whole name or along its dots."""
    found: Any = said.get(claim)
    if found is None:
        found = said
        for step in claim.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
    listed = found if isinstance(found, list) else [found]
    return {each for each in listed if isinstance(each, str)}
