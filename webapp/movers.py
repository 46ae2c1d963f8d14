"""Who moved a branch, as Git's own log of its moves keeps it when the server dies in between."""

import re

from sqlalchemy import select

from prompt_repo.git_store import GitStore
from prompt_repo.model import RefMove
from webapp.access import Caller
from webapp.change_records import GIT, Who
from webapp.records import Records
from webapp.records.models import Account, Token
from webapp.tokens import LARGEST

PUSHED_BY = "push by "
TOKEN = re.compile(r"token:(\d{1,18}):")


def pushed_by(caller: Caller) -> str:
    """What the log says of a push that came through this server."""
    return PUSHED_BY + caller.actor


def actor_of(move: RefMove) -> str:
    """Who made a move, in the words of the audit log; else the name that it was made under."""
    if move.why.startswith(PUSHED_BY):
        return move.why.removeprefix(PUSHED_BY)
    return move.who.name or GIT.actor


def who_moved(store: GitStore, records: Records, branch: str, head: str) -> Who:
    """Who brought a branch where it is, by a push through this server; else plain git."""
    for move in reversed(store.moves(branch)):
        if move.new == head and move.why.startswith(PUSHED_BY):
            actor = actor_of(move)[:80]
            account = _account(records, actor)
            return Who(actor, account, move.who.name[:128], move.who.email[:254])
    return GIT


def _account(records: Records, actor: str) -> int | None:
    """The account behind an actor: its own, or whoever made the token."""
    token = TOKEN.match(actor)
    if token is None:
        person = select(Account.id).where(Account.name == actor.removeprefix("person:"))
        return next((row.id for row in records.rows(person)), None)
    if int(token[1]) > LARGEST:
        return None
    maker = select(Token.made_by).where(Token.id == int(token[1]))
    return next((row.made_by for row in records.rows(maker)), None)
