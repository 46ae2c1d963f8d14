"""Accounts: who may log in, with which role; and the browsers that are logged in."""

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from webapp import passwords
from webapp.access import SCOPES_OF, Role, Scope
from webapp.records import Records
from webapp.records.asking import Question
from webapp.records.models import Account, Identity, Login, Token

NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
EMAIL = re.compile(r"[^\s<>@,;:\"]{1,64}@[^\s<>@,;:\"]{1,189}")
GOOD_FOR = timedelta(days=3)
"""How long somebody has to log in by a password that an admin gave them."""


class PeopleError(Exception):
    """An account can't be made, changed or found; says why."""


class OneTimePasswordOver(PeopleError):
    """The right password, but given by an admin too long ago."""

    def __init__(self) -> None:
        super().__init__("that password was good for three days; ask an admin for a new one")


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """What every request asks of the account that is logged in."""

    id: int
    name: str
    display_name: str
    email: str
    role: str
    one_time_until: datetime | None


_LOGGED_IN = Question(
    select(*(getattr(Account, each.name) for each in fields(LoggedIn)))
    .join(Login, Login.account_id == Account.id)
    .where(Login.key == bindparam("key"), Login.expires_at > bindparam("now"))
    .where(Account.disabled.is_(False)),
    LoggedIn,
)


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of an account came to, for the audit log."""

    name: str
    before: str
    after: str
    tokens_ended: int = 0


def add(
    records: Records,
    name: str,
    password: str,
    role: Role,
    *,
    display_name: str = "",
    email: str = "",
    one_time: bool = False,
) -> Account:
    """Makes an account; with `one_time` its password must be changed at the first log-in.

    Raises PeopleError.
    """
    account = new_account(name, role, display_name=display_name, email=email)
    account.password = _hash(password)
    account.one_time_until = datetime.now(UTC) + GOOD_FOR if one_time else None
    with records.writing() as session:
        if session.scalar(select(Account.id).where(Account.name == account.name)) is not None:
            raise PeopleError(f"there is an account {account.name!r} already")
        session.add(account)
    return account


def new_account(name: str, role: Role, *, display_name: str = "", email: str = "") -> Account:
    """An account that is not stored yet, and has no password; raises PeopleError."""
    name = normal(name)
    if not NAME.fullmatch(name):
        raise PeopleError(
            "a log-in name has 1 to 64 of a-z, 0-9, '.', '_', '@' and '-', "
            "beginning with a letter or digit"
        )
    return Account(
        name=name,
        display_name=_display_name(display_name or name),
        email=_email(email or (name if EMAIL.fullmatch(name) else f"{name}@prompt-repo.invalid")),
        role=role,
        password="",
        disabled=False,
        created_at=datetime.now(UTC),
    )


def listed(records: Records) -> Sequence[Account]:
    """All accounts by name, disabled ones included."""
    with records.reading() as session:
        return session.scalars(select(Account).order_by(Account.name)).all()


def found(records: Records, name: str) -> Account:
    """The account of a name; raises PeopleError."""
    with records.reading() as session:
        return _named(session, name)


def count(records: Records) -> int:
    """How many accounts there are."""
    with records.reading() as session:
        return session.scalar(select(func.count()).select_from(Account)) or 0


def authenticate(records: Records, name: str, password: str) -> Account | None:
    """The account that name and password open; None otherwise, after as much work.

    Raises OneTimePasswordOver.
    """
    account = None
    if NAME.fullmatch(normal(name)):
        with records.reading() as session:
            account = session.scalar(select(Account).where(Account.name == normal(name)))
    stored = account.password if account is not None else ""
    right = passwords.matches(stored or passwords.nobodys(), password)
    if account is None or not right or not stored or account.disabled:
        return None
    if account.one_time_until is not None and account.one_time_until <= datetime.now(UTC):
        raise OneTimePasswordOver
    if passwords.is_dated(stored):
        _renew(records, account, passwords.hashed(password))
    return account


def _renew(records: Records, account: Account, hashed: str) -> None:
    """Keeps a password's hash as one is made today, unless the password was changed just now."""
    still = Account.id == account.id, Account.password == account.password
    with records.writing() as session:
        session.execute(update(Account).where(*still).values(password=hashed))


def set_password(records: Records, name: str, password: str) -> None:
    """Changes a password and ends all log-ins of the account; raises PeopleError."""
    hashed = _hash(password)
    with records.writing() as session:
        account = _with_password(session, name)
        account.password, account.one_time_until = hashed, None
        _end_logins(session, account)


def reset_password(records: Records, name: str) -> str:
    """Gives an account a password for one log-in and ends those it has; raises PeopleError."""
    password = passwords.one_time()
    hashed = _hash(password)
    with records.writing() as session:
        account = _with_password(session, name)
        account.password, account.one_time_until = hashed, datetime.now(UTC) + GOOD_FOR
        _end_logins(session, account)
    return password


def set_role(records: Records, name: str, role: Role) -> Change:
    """Changes a role; ends the account's log-ins, and tokens that may do more than it may now.

    Raises PeopleError, also where no active admin would be left.
    """
    with records.writing() as session:
        return give_role(session, _named(session, name), role)


def give_role(session: Session, account: Account, role: Role) -> Change:
    """What set_role does, in a transaction that is under way."""
    before = account.role
    if before == role:
        return Change(account.name, before, role)
    if role is not Role.ADMIN:
        keep_an_admin(session, account)
    account.role = role
    _end_logins(session, account)
    mine = _tokens(session, account)
    beyond = {each.id for each in mine if not SCOPES_OF[role].issuperset(each.scopes)}
    return Change(account.name, before, role, _end_tokens(session, account, beyond))


def set_disabled(records: Records, name: str, disabled: bool = True) -> Change:
    """Shuts an account out, ending its log-ins and tokens for good, or lets it in again.

    Raises PeopleError, also where no active admin would be left.
    """
    with records.writing() as session:
        account = _named(session, name)
        before = state(account)
        if account.disabled == disabled:
            return Change(account.name, before, before)
        if disabled:
            keep_an_admin(session, account)
        account.disabled = disabled
        _end_logins(session, account)
        ended = {each.id for each in _tokens(session, account)} if disabled else set()
        return Change(account.name, before, state(account), _end_tokens(session, account, ended))


def describe(records: Records, name: str, *, display_name: str, email: str) -> Change:
    """Changes what commits call somebody; raises PeopleError."""
    display_name, email = _display_name(display_name), _email(email)
    with records.writing() as session:
        account = _named(session, name)
        before = f"{account.display_name} <{account.email}>"
        account.display_name, account.email = display_name, email
        return Change(account.name, before, f"{display_name} <{email}>")


def without(records: Records, scope: Scope, accounts: Collection[int]) -> frozenset[int]:
    """Those of the accounts that are disabled, or whose role no longer brings a scope."""
    if not accounts:
        return frozenset()
    able = [role for role, scopes in SCOPES_OF.items() if scope in scopes]
    wanted = select(Account.id).where(
        Account.id.in_(accounts), or_(Account.disabled, Account.role.not_in(able))
    )
    return frozenset(row.id for row in records.rows(wanted))


def state(account: Account) -> str:
    """`active` or `disabled`."""
    return "disabled" if account.disabled else "active"


def keep_an_admin(session: Session, leaving: Account) -> None:
    """Raises PeopleError where nobody could let people in any more without this account.

    The admins stay locked until the transaction ends: two of them can't turn each other out.
    """
    admins = session.scalars(
        select(Account)
        .where(Account.role == Role.ADMIN, Account.disabled.is_(False))
        .order_by(Account.id)
        .with_for_update()
    ).all()
    if [each.id for each in admins] == [leaving.id]:
        raise PeopleError(
            f"{leaving.name} is the only admin who can log in; make another one first"
        )


def by_provider(records: Records) -> frozenset[int]:
    """The ids of accounts that log in by an identity provider."""
    with records.reading() as session:
        return frozenset(session.scalars(select(Identity.account_id)))


def begin_login(records: Records, account: Account, lasts: timedelta) -> str:
    """A new key for one browser's session; expired ones are swept out meanwhile."""
    key = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    with records.writing() as session:
        session.execute(delete(Login).where(Login.expires_at <= now))
        session.get_one(Account, account.id).logged_in_at = now
        session.add(
            Login(key=_digest(key), account_id=account.id, created_at=now, expires_at=now + lasts)
        )
    return key


def logged_in(records: Records, key: str) -> LoggedIn | None:
    """Whose session has this key; None where it ended or its account is disabled."""
    found = records.answers(_LOGGED_IN, key=_digest(key), now=datetime.now(UTC))
    return found[0] if found else None


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
    if not (EMAIL.fullmatch(email) and email.isprintable()):
        raise PeopleError(f"{email[:80]!r} is no email address")
    return email


def _named(session: Session, name: str) -> Account:
    account = None
    if NAME.fullmatch(normal(name)):
        account = session.scalar(select(Account).where(Account.name == normal(name)))
    if account is None:
        raise PeopleError(f"there is no account {name[:80]!r}")
    return account


def _with_password(session: Session, name: str) -> Account:
    account = _named(session, name)
    if session.scalar(select(Identity).where(Identity.account_id == account.id)) is not None:
        raise PeopleError(f"{account.name} logs in by single sign-on and has no password here")
    return account


def _end_logins(session: Session, account: Account) -> None:
    session.execute(delete(Login).where(Login.account_id == account.id))


def _tokens(session: Session, account: Account) -> Sequence[Token]:
    mine = select(Token).where(Token.made_by == account.id, Token.revoked_at.is_(None))
    return session.scalars(mine).all()


def _end_tokens(session: Session, account: Account, idents: set[int]) -> int:
    ended = [each for each in _tokens(session, account) if each.id in idents]
    for each in ended:
        each.revoked_at = datetime.now(UTC)
    return len(ended)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
