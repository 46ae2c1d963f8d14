"""Accounts: who may log in, with which role; and the browsers that are logged in."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select

from webapp import passwords
from webapp.access import Role
from webapp.records import Records
from webapp.records.models import Account, Login

NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
EMAIL = re.compile(r"[^\s<>@,;:\"]{1,64}@[^\s<>@,;:\"]{1,189}")


class PeopleError(Exception):
    """An account can't be made, changed or found; says why."""


def add(
    records: Records,
    name: str,
    password: str,
    role: Role,
    *,
    display_name: str = "",
    email: str = "",
) -> Account:
    """Makes an account; raises PeopleError."""
    name = normal(name)
    if not NAME.fullmatch(name):
        raise PeopleError(
            "a log-in name has 1 to 64 of a-z, 0-9, '.', '_', '@' and '-', "
            "beginning with a letter or digit"
        )
    account = Account(
        name=name,
        display_name=_display_name(display_name or name),
        email=_email(email or (name if EMAIL.fullmatch(name) else f"{name}@prompt-repo.invalid")),
        role=role,
        password=_hash(password),
        disabled=False,
        created_at=datetime.now(UTC),
    )
    with records.writing() as session:
        if session.scalar(select(Account.id).where(Account.name == name)) is not None:
            raise PeopleError(f"there is an account {name!r} already")
        session.add(account)
    return account


def listed(records: Records) -> Sequence[Account]:
    """All accounts by name, disabled ones included."""
    with records.reading() as session:
        return session.scalars(select(Account).order_by(Account.name)).all()


def count(records: Records) -> int:
    """How many accounts there are."""
    with records.reading() as session:
        return session.scalar(select(func.count()).select_from(Account)) or 0


def authenticate(records: Records, name: str, password: str) -> Account | None:
    """The account that name and password open; None otherwise, after as much work."""
    with records.reading() as session:
        account = session.scalar(select(Account).where(Account.name == normal(name)))
    right = passwords.matches(account.password if account else passwords.nobodys(), password)
    if account is None or not right or account.disabled:
        return None
    if passwords.is_dated(account.password):
        with records.writing() as session:
            session.get_one(Account, account.id).password = _hash(password)
    return account


def set_password(records: Records, name: str, password: str) -> None:
    """Changes a password and ends all log-ins of the account; raises PeopleError."""
    hashed = _hash(password)
    with records.writing() as session:
        account = _named(session.scalar(select(Account).where(Account.name == normal(name))), name)
        account.password = hashed
        session.execute(delete(Login).where(Login.account_id == account.id))


def set_role(records: Records, name: str, role: Role) -> None:
    """Changes a role and ends all log-ins of the account; raises PeopleError."""
    with records.writing() as session:
        account = _named(session.scalar(select(Account).where(Account.name == normal(name))), name)
        account.role = role
        session.execute(delete(Login).where(Login.account_id == account.id))


def set_disabled(records: Records, name: str, disabled: bool = True) -> None:
    """Shuts an account out, ending all its log-ins, or lets it in again; raises PeopleError."""
    with records.writing() as session:
        account = _named(session.scalar(select(Account).where(Account.name == normal(name))), name)
        account.disabled = disabled
        session.execute(delete(Login).where(Login.account_id == account.id))


def begin_login(records: Records, account: Account, lasts: timedelta) -> str:
    """A new key for one browser's session; expired ones are swept out meanwhile."""
    key = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    with records.writing() as session:
        session.execute(delete(Login).where(Login.expires_at <= now))
        session.add(
            Login(key=_digest(key), account_id=account.id, created_at=now, expires_at=now + lasts)
        )
    return key


def logged_in(records: Records, key: str) -> Account | None:
    """Whose session has this key; None where it ended or its account is disabled."""
    with records.reading() as session:
        return session.scalar(
            select(Account)
            .join(Login, Login.account_id == Account.id)
            .where(Login.key == _digest(key), Login.expires_at > datetime.now(UTC))
            .where(Account.disabled.is_(False))
        )


def end_login(records: Records, key: str) -> None:
    """Ends one browser's session."""
    with records.writing() as session:
        session.execute(delete(Login).where(Login.key == _digest(key)))


def normal(name: str) -> str:
    """A log-in name as it is kept: lower case, no blanks around."""
    return name.strip().lower()


def _hash(password: str) -> str:
    try:
        return passwords.hashed(password)
    except passwords.PasswordError as error:
        raise PeopleError(str(error)) from error


def _display_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 128 or not name.isprintable() or set(name) & set("<>"):
        raise PeopleError("a name has 1 to 128 printable characters, without < and >")
    return name


def _email(email: str) -> str:
    email = email.strip()
    if not EMAIL.fullmatch(email):
        raise PeopleError(f"{email[:80]!r} is no email address")
    return email


def _named(account: Account | None, name: str) -> Account:
    if account is None:
        raise PeopleError(f"there is no account {name[:80]!r}")
    return account


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
