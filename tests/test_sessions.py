"""The session's cookie: signed as Flask signs it, and read as Flask reads it."""

import time

import pytest
from flask import Flask, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadSignature, SignatureExpired, TimestampSigner

from tests.test_pages import app, log_in, prompts
from webapp.sessions import Sessions

__all__ = ["app", "log_in", "prompts"]
HELD = {"_user_id": "key", "_permanent": True, "csrf_token": "ü\n", "count": [1, None, 2.5]}


def test_flask_reads_what_we_sign_and_we_what_flask_signs(app: Flask) -> None:
    """So that nobody is logged out by either of them; also what Flask marks by its type."""
    ours, flasks = Sessions(), SecureCookieSessionInterface()
    mine, theirs = (each.get_signing_serializer(app) for each in (ours, flasks))
    assert mine is not None
    assert theirs is not None

    assert theirs.loads(mine.dumps(HELD)) == HELD
    assert mine.loads(theirs.dumps({**HELD, "_flashes": [("good", "Saved")]})) == {
        **HELD,
        "_flashes": [("good", "Saved")],
    }


def test_it_is_signed_by_the_secret_of_now(app: Flask) -> None:
    """With another secret another signature, though what signs is kept."""
    sessions = Sessions()
    kept = sessions.get_signing_serializer(app)
    assert kept is not None
    assert sessions.get_signing_serializer(app) is kept
    signed = kept.dumps(HELD)

    app.secret_key = "another secret"
    other = sessions.get_signing_serializer(app)

    assert other is not None
    assert not other.loads_unsafe(signed)[0]


def test_a_cookie_that_was_changed_is_worth_nothing(app: Flask) -> None:
    """Whoever sends it is nobody."""
    serializer = Sessions().get_signing_serializer(app)
    assert serializer is not None
    payload, _, signature = serializer.dumps(HELD).rpartition(".")

    assert not serializer.loads_unsafe(f"{payload}x.{signature}")[0]


def test_a_cookie_that_was_read_once_ages_all_the_same(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is remembered as signed, and refused as soon as its time is over."""
    serializer = Sessions().get_signing_serializer(app)
    assert serializer is not None
    now = int(time.time())
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _signer: now - 90)
    signed = serializer.dumps(HELD)
    monkeypatch.undo()

    assert serializer.read(signed, 100) == serializer.read(signed, 100) == HELD
    with pytest.raises(SignatureExpired):
        serializer.read(signed, 60)
    with pytest.raises(BadSignature):
        serializer.read(f"{signed}x", 100)


def test_what_was_read_is_each_requests_own(app: Flask) -> None:
    """What one request does to its session reaches no other by what is remembered."""
    serializer = Sessions().get_signing_serializer(app)
    assert serializer is not None
    signed = serializer.dumps(HELD)

    serializer.read(signed)["count"].append("mine")
    serializer.read(signed)["count"].append("mine")

    assert serializer.read(signed) == HELD


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_has_the_flags_that_flask_gives_it(app: Flask, scheme: str) -> None:
    """The same name and flags, over HTTPS `Secure` too; its life in seconds for Flask's date."""
    ours, flasks = Response(), Response()
    held = SecureCookieSession(HELD)
    held.permanent = True
    with app.test_request_context(base_url=f"{scheme}://studio.example/"):
        Sessions().save_session(app, held, ours)
        SecureCookieSessionInterface.save_session(Sessions(), app, held, flasks)

    assert _flags(ours) == _flags(flasks)
    assert ours.headers["Vary"] == flasks.headers["Vary"]


def _flags(response: Response) -> set[str]:
    name, *flags = response.headers["Set-Cookie"].split("; ")
    known = {flag for flag in flags if not flag.startswith(("Expires=", "Max-Age="))}
    assert len(known) == len(flags) - 1
    return {name.partition("=")[0], *known}
