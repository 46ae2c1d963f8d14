"""API tokens: shown once, stored hashed, verified from memory for a moment."""

import hashlib
import mmap
import os
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from webapp.access import IMPLIED, SCOPES_OF, Caller, Role, Scope
from webapp.records import Records
from webapp.records.models import Account, Token

PREFIX = "pr_"
FRESH = 2.0  # seconds an answer is believed where nobody tells that a token has ended
KEPT = 4096  # answers kept; guesses can't fill the memory
USED = timedelta(minutes=5)  # `used_at` is no more exact than this
NAME = 64
LARGEST = 2**63 - 1  # what a database's key can hold
PRODUCTION = "production"


class TokenError(Exception):
    """A token can't be made or found; says why."""


@dataclass(frozen=True, slots=True)
class _Answer:
    until: float
    caller: Caller | None


class Endings:
    """Tells all processes on this machine that tokens have ended: eight bytes they all see."""

    LENGTH = 8

    def __init__(self, folder: Path) -> None:
        descriptor = os.open(folder / "token_endings", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            os.ftruncate(descriptor, self.LENGTH)
            self._shared = mmap.mmap(descriptor, self.LENGTH)
        finally:
            os.close(descriptor)

    def latest(self) -> bytes:
        """Something that is another after every `tell`."""
        return self._shared[:]

    def tell(self) -> None:
        """Has every process ask the records again about each token."""
        self._shared[:] = secrets.token_bytes(self.LENGTH)


class Tokens:
    """Verifies tokens; safe to share between threads. `clock` gives seconds that never go back."""

    def __init__(
        self,
        records: Records,
        clock: Callable[[], float] = time.monotonic,
        endings: Endings | None = None,
    ) -> None:
        self._records, self._clock, self._endings = records, clock, endings
        self._seen = b""
        self._answers: dict[bytes, _Answer] = {}

    def caller(self, secret: str) -> Caller | None:
        """Who sends this token; None where it is unknown, expired, revoked or malformed."""
        key = hashed(secret)
        now = self._clock()
        if self._endings is not None and (latest := self._endings.latest()) != self._seen:
            self._answers, self._seen = {}, latest
        answers = self._answers  # one that was looked up before an ending is kept for nobody
        answer = answers.get(key)
        if answer is not None and answer.until > now:
            return answer.caller
        if not secret.startswith(PREFIX):
            return None
        caller, lasts = self._look_up(key)
        if len(answers) >= KEPT:
            answers.clear()
        answers[key] = _Answer(now + lasts, caller)
        return caller

    def have_ended(self) -> None:
        """To be called when tokens were revoked, that they stop working at once."""
        if self._endings is not None:
            self._endings.tell()

    def _look_up(self, key: bytes) -> tuple[Caller | None, float]:
        now = datetime.now(UTC)
        with self._records.reading() as session:
            token = session.scalar(select(Token).where(Token.key == key))
        if token is None or token.revoked_at is not None:
            return None, FRESH
        left = (token.expires_at - now).total_seconds() if token.expires_at else FRESH
        if left <= 0:
            return None, FRESH
        if token.used_at is None or now - token.used_at > USED:
            self._note_use(token.id, now)
        return _caller(token), min(FRESH, left)

    def _note_use(self, ident: int, now: datetime) -> None:
        with self._records.writing() as session:
            token = session.get(Token, ident)
            if token is not None:
                token.used_at = now


def hashed(secret: str) -> bytes:
    """What of a token is stored; it has 256 random bits, so that one quick digest is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def create(
    records: Records,
    name: str,
    scopes: Collection[Scope],
    environments: Sequence[str] = (),
    *,
    lasts: timedelta | None = None,
    made_by: int | None = None,
) -> tuple[str, Token]:
    """Makes a token; gives its secret, which can't be had again, and its record.

    Without environments, one that only reads is for production, any other for all of them.
    Raises TokenError.
    """
    name = name.strip()
    if not name or len(name) > NAME or not name.isprintable():
        raise TokenError(f"a token's name has 1 to {NAME} printable characters")
    if not scopes:
        raise TokenError("a token needs a scope")
    if not environments and set(scopes) == {Scope.READ}:
        environments = [PRODUCTION]
    secret = PREFIX + secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    token = Token(
        key=hashed(secret),
        name=name,
        scopes=sorted(scopes),
        environments=sorted(set(environments)) or None,
        made_by=made_by,
        created_at=now,
        expires_at=now + lasts if lasts else None,
    )
    with records.writing() as session:
        if made_by is not None:  # who loses a right just now makes no token with it any more
            maker = session.get(Account, made_by, with_for_update=True)
            if maker is None or maker.disabled:
                raise TokenError("an account that may not log in makes no tokens")
            if not SCOPES_OF[Role(maker.role)].issuperset(scopes):
                raise TokenError("a token may do no more than who makes it")
        session.add(token)
    return secret, token


def listed(records: Records, made_by: int | None = None) -> Sequence[Token]:
    """All tokens, or those one account made; revoked ones included, oldest first."""
    wanted = select(Token).order_by(Token.id)
    if made_by is not None:
        wanted = wanted.where(Token.made_by == made_by)
    with records.reading() as session:
        return session.scalars(wanted).all()


def found(records: Records, ident: int) -> Token:
    """The token of a number; raises TokenError."""
    with records.reading() as session:
        token = session.get(Token, ident) if ident <= LARGEST else None
    if token is None:
        raise TokenError(f"there is no token {ident}")
    return token


def is_good(token: Token) -> bool:
    """Whether a token still opens something."""
    over = token.expires_at is not None and token.expires_at <= datetime.now(UTC)
    return token.revoked_at is None and not over


def revoke(records: Records, ident: int) -> Token:
    """Ends a token for good; raises TokenError.

    It stops working when `Tokens.have_ended` is called, on other machines within two seconds.
    """
    with records.writing() as session:
        token = session.get(Token, ident)
        if token is None:
            raise TokenError(f"there is no token {ident}")
        token.revoked_at = token.revoked_at or datetime.now(UTC)
        return token


def _caller(token: Token) -> Caller:
    return Caller(
        actor=f"token:{token.id}:{token.name}"[:80],
        name=token.name,
        display_name=token.name,
        email=f"token-{token.id}@prompt-repo.invalid",
        scopes=frozenset().union(*(IMPLIED[Scope(scope)] for scope in token.scopes)),
        environments=None if token.environments is None else frozenset(token.environments),
        token_id=token.id,
        made_by=token.made_by,
    )


def facts_of(token: Token) -> dict[str, Any]:
    """What a token may do, where and until when, for the audit log; never its secret."""
    return {
        "token": token.id,
        "scopes": token.scopes,
        "environments": token.environments or "all",
        "until": token.expires_at.isoformat() if token.expires_at else None,
    }
