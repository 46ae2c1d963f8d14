"""Git over HTTP: clone, fetch and push with an ordinary client and a token.

Reading is git's own upload-pack, streamed. A push is received here, so that nobody waits for a
slow upload: its objects arrive beside the repository, are checked there, and only then, under the
writers' lock, moved in (`prompt_repo.receiving`). Nothing of a body is held in memory.
"""

import os
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from importlib.metadata import version
from typing import IO

import structlog
from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.exceptions import Forbidden

from prompt_repo import git_cli, tagging
from prompt_repo.changes import FOLDER
from prompt_repo.errors import GitFailed, InvalidPush, PromptRepoError, ReviewRequired
from prompt_repo.git_answers import PackAnswer
from prompt_repo.git_incoming import Incoming, incoming, public_refs
from prompt_repo.git_protocol import Orders, advertised, packet, read_orders, report
from prompt_repo.git_store import Move
from prompt_repo.layout import ENVIRONMENTS
from prompt_repo.receiving import HEADS, Received, Rights, receive, refusal_of_name
from prompt_repo.receiving_words import Refusal, explained
from prompt_repo.repository import PRODUCTION
from webapp import audit, audit_tending, change_records, events, movers, protection
from webapp.access import NotAllowed, Scope, access, caller, require_environment
from webapp.arrivals import Places
from webapp.change_records import Who
from webapp.change_requests import base_of
from webapp.config import Settings
from webapp.events import Event
from webapp.git_bodies import Body
from webapp.limits import Guesses
from webapp.services import records, repository, settings

blueprint = Blueprint("git_http", __name__, url_prefix="/git/prompts.git")
log = structlog.get_logger(__name__)
UPLOAD, RECEIVE = "git-upload-pack", "git-receive-pack"
PROTOCOL = re.compile(r"version=[012](:[a-z0-9=-]{1,40}){0,8}")
WANT, HAVE = re.compile(rb"want ([0-9a-f]{40})"), re.compile(rb"have [0-9a-f]{40}")
BEGINNING = 1024 * 1024  # bytes of what a client asks that are looked at for the audit log
ASKED = 32 * 1024 * 1024  # bytes that a client may say of what it has and wants
WAIT = 5.0  # seconds one waits for others' clones and pushes to end
PUSHERS = (Scope.REVIEW, Scope.WRITE, Scope.PROMOTE)
OTHERS = "this change request is somebody else's; comment on it, or propose one of your own"
NEVER_KEPT = {"Cache-Control": "no-cache, max-age=0, must-revalidate"}
SERVING = (
    "-c", "uploadpack.allowFilter=true",
    "-c", "uploadpack.hideRefs=refs/prompt-repo",
    "-c", "uploadpack.hideRefs=refs/replace",
    "-c", "pack.threads=1",
)  # fmt: skip


def init_app(app: Flask) -> None:
    """Bounds how many are served at once, and how often one may guess a token."""
    told: Settings = app.extensions["services"].settings
    app.extensions["git_places"] = Places(max(2, told.threads // 2), wait=WAIT)
    guesses = Guesses(app, told)

    def before() -> None:
        if _is_git() and "Authorization" in request.headers:
            guesses.require_few()

    def after(response: Response) -> Response:
        if _is_git() and response.status_code == 401 and "Authorization" in request.headers:
            guesses.count()
        return response

    app.before_request_funcs.setdefault(None, []).insert(0, before)
    app.after_request(after)


def closed_branches() -> Mapping[str, str]:
    """Branches that take no direct pushes, each with why, and what to do instead."""
    return {
        branch: f"{ReviewRequired(branch)}: push to changes/<name>"
        for branch in protection.reviewed(settings())
    }


def rights(branches: Collection[str]) -> Rights:
    """What the one who asks may do to these branches by a push."""
    who = caller()
    others = {each: why for each in branches if (why := _not_theirs(each))}
    return Rights(
        writes=who.may(Scope.WRITE),
        promotes=who.may(Scope.PROMOTE),
        proposes=who.may(Scope.REVIEW),
        environments=who.environments,
        closed={**closed_branches(), **others},
    )


def _not_theirs(branch: str) -> str:
    """Why a change request's branch is not for the one who asks; empty where it may be."""
    if not branch.startswith(FOLDER):
        return ""
    who, slug = caller(), branch.removeprefix(FOLDER)
    row = change_records.open_on(records(), slug)
    base = row.base if row is not None else base_of(slug)
    if who.environments is not None and base not in who.environments:
        return f"this token is not for {base}, where this change request goes"
    anothers = row is not None and not Who.of(who).did(row)
    return OTHERS if anothers and not who.may(Scope.WRITE) else ""


@blueprint.get("/info/refs")
@access(Scope.READ)
def refs() -> Response:
    service = request.args.get("service", "")
    if service == UPLOAD:
        _require_all()
        with tempfile.TemporaryFile() as nothing:
            arguments = [*SERVING, "upload-pack", "--stateless-rpc", "--advertise-refs"]
            told = git_cli.streamed(_path(), [*arguments, _where()], nothing, 60, _protocol())
            body = b"".join(told)
        if not body.startswith(b"000eversion 2"):
            body = packet(f"# service={UPLOAD}\n") + b"0000" + body
    elif service == RECEIVE:
        _require_pusher()
        body = advertised(public_refs(repository().store), f"prompt-repo/{version('prompt-repo')}")
    else:
        raise Forbidden("this needs a git that speaks the smart protocol, 1.6.6 or newer")
    return Response(body, 200, NEVER_KEPT, content_type=f"application/x-{service}-advertisement")


@blueprint.post(f"/{UPLOAD}")
@access(Scope.READ)
def upload_pack() -> Response:
    """What a clone or a fetch asks for, as git makes it."""
    _require_all()
    with ExitStack() as stack:
        stack.enter_context(_place())
        asked = stack.enter_context(tempfile.TemporaryFile())
        for piece in Body(request.environ, ASKED, settings().git_seconds).pieces():
            asked.write(piece)
        asked.seek(0)
        arguments = [*SERVING, "upload-pack", "--stateless-rpc", _where()]
        told = git_cli.streamed(_path(), arguments, asked, settings().git_seconds, _protocol())
        answer = PackAnswer(told)
        stack.callback(answer.close)
        _enter_fetch(asked, answer)
        stream = Streamed(answer, stack.pop_all())
    return Response(stream, 200, NEVER_KEPT, content_type=f"application/x-{UPLOAD}-result")


def _enter_fetch(asked: IO[bytes], answer: PackAnswer) -> None:
    """Says in the audit log that commits leave the house.

    Once for a fetch, when its pack comes; looks at refs and rounds of bargaining are left out.
    """
    beginning = os.pread(asked.fileno(), BEGINNING, 0)  # git reads the same file from its own place
    wants = [found.decode() for found in WANT.findall(beginning)]
    if not wants or not answer.brings_pack():
        audit.leave_out()
        return
    audit.hurry()
    word = "fetch" if HAVE.search(beginning) else "clone"
    audit.describe(word, commit=wants[0], wants=wants[:20])


@blueprint.post(f"/{RECEIVE}")
@access(Scope.READ)
def receive_pack() -> Response:
    """Takes a push in or refuses it; both are 200, for git reads the report."""
    _require_pusher()
    with _place():
        # A pack that is too large is refused in words; one that goes on for ever is not.
        body = Body(request.environ, 2 * settings().max_push_bytes, settings().git_seconds)
        answer = _received(body)
    return Response(answer, 200, NEVER_KEPT, content_type=f"application/x-{RECEIVE}-result")


class Streamed:
    """Pieces of an answer; what they need is let go when the answer ends, begun or not."""

    def __init__(self, pieces: Iterable[bytes], stack: ExitStack) -> None:
        self._pieces, self._stack = pieces, stack

    def __iter__(self) -> Iterator[bytes]:
        """The pieces; a failure of git ends them, and the client sees that some are missing."""
        try:
            yield from self._pieces
        except GitFailed:
            log.exception("git failed while it served a client")
            raise

    def close(self) -> None:
        """Stops git, and lets everything go."""
        self._stack.close()


def _received(body: Body) -> bytes:
    orders = read_orders(body.read)
    if not orders.orders:
        audit.leave_out()  # git asks so whether it may, before it sends much
        return b""
    unpacked, outcome = "ok", Received()
    may = rights([order.ref.removeprefix(HEADS) for order in orders.orders])
    names = [(order.ref, refusal_of_name(order.ref, may)) for order in orders.orders]
    forbidden = tuple(Refusal(ref, why) for ref, why in names if why)
    if forbidden:
        outcome = Received(refusals=forbidden)
    else:
        with incoming(repository().store) as delivery:
            try:
                outcome = _checked(delivery, orders, may, body)
            except InvalidPush as wrong:
                unpacked, outcome = _unreadable(orders, wrong)
            except PromptRepoError as failure:
                log.exception("a push failed")
                unpacked, outcome = _unreadable(orders, failure)
    body.drain()  # a client that still sends would not hear the answer
    _tell(orders, outcome)
    return _answer(orders, unpacked, outcome)


def _checked(delivery: Incoming, orders: Orders, may: Rights, body: Body) -> Received:
    if any(order.new is not None for order in orders.orders):
        delivery.unpack(body.pieces(), settings().max_push_bytes, settings().git_seconds)
    why = movers.pushed_by(caller())
    return receive(repository(), delivery, orders.orders, may, caller().author, why)


def _unreadable(orders: Orders, why: PromptRepoError) -> tuple[str, Received]:
    refusals = (Refusal(orders.orders[0].ref, str(why)),)
    return "failed" if isinstance(why, InvalidPush) else "ok", Received(refusals=refusals)


def _tell(orders: Orders, outcome: Received) -> None:
    """Notes a push in the audit log, and tells whoever listens of each branch that moved."""
    audit.note(
        "git.push",
        ", ".join(order.ref.removeprefix("refs/heads/") for order in orders.orders),
        outcome="refused" if outcome.refusals else "done",
        commit=outcome.moves[-1][2] if outcome.moves else None,
        moves=[{"branch": name, "old": old, "new": new} for name, old, new in outcome.moves],
        refusals=[f"{each.ref}: {each.why}" for each in outcome.refusals[:20]],
    )
    audit.hurry()  # Git has what follows
    for branch, old, new in outcome.moves:
        if branch in ENVIRONMENTS and new:
            for commit in audit_tending.brought(repository(), old, new):
                audit.note(audit_tending.FOUND, branch, **audit_tending.told(commit))
    for move in outcome.moves:
        follow(move)


def follow(move: Move) -> None:
    """Has a branch that others moved be known: indexed, tagged if it went live, and told of."""
    branch, old, new = move
    try:
        if branch in ENVIRONMENTS:
            repository().current(branch)  # the index is made now, not in the next page's time
        if branch == PRODUCTION and old is not None:
            tagging.tag(repository(), old, new)
    except PromptRepoError:  # what was pushed is in, and the next read tries again
        log.exception("a branch moved, and what follows failed", branch=branch)
    events.announce(Event.BRANCH_MOVED, branch=branch, old=old, new=new)


def _answer(orders: Orders, unpacked: str, outcome: Received) -> bytes:
    if not outcome.refusals:
        return report(orders, unpacked, {}, ())
    moved = {f"refs/heads/{name}" for name, _, _ in outcome.moves}
    refused = {
        order.ref: "another ref of this push was refused"
        for order in orders.orders
        if order.ref not in moved
    }
    refused |= {each.ref: each.short for each in outcome.refusals}
    return report(orders, unpacked, refused, [*explained(outcome.refusals)])


def _require_all() -> None:
    """A clone holds every environment."""
    for environment in ENVIRONMENTS:
        require_environment(environment)


def _require_pusher() -> None:
    if not any(caller().may(scope) for scope in PUSHERS):
        raise NotAllowed(
            "this token only reads; a push needs one with the scope review, write or promote"
        )


def _is_git() -> bool:
    return request.blueprint == blueprint.name


def _place() -> ExitStack:
    stack = ExitStack()
    places: Places = current_app.extensions["git_places"]
    stack.enter_context(places.taken(request.remote_addr or ""))
    return stack


def _path():
    return repository().store.path


def _where() -> str:
    return str(_path().resolve())


def _protocol() -> dict[str, str]:
    asked = request.headers.get("Git-Protocol", "")
    return {"GIT_PROTOCOL": asked} if PROTOCOL.fullmatch(asked) else {}
