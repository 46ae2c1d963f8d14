"""The session's cookie: signed as Flask signs it, and read as Flask reads it."""

from flask import Flask
from flask.sessions import SecureCookieSessionInterface

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
