"""Those who listen hear what was announced, and can't undo it."""

from pathlib import Path

from tests.web import make_app
from webapp import events
from webapp.events import Event, Happened


def test_listeners_hear_of_their_event_alone(tmp_path: Path) -> None:
    """Who, what, and its facts."""
    app = make_app(tmp_path)
    heard: list[Happened] = []
    events.listen(app, Event.PROMOTED, heard.append)

    with app.test_request_context():
        events.announce(Event.PROMOTED, tag="production/2026-11-25.1")
        events.announce(Event.ROLLED_BACK)

    assert heard == [Happened(Event.PROMOTED, "nobody", {"tag": "production/2026-11-25.1"})]


def test_a_listener_that_fails_stops_nobody(tmp_path: Path) -> None:
    """The next one still hears, and whoever announced goes on."""
    app = make_app(tmp_path)
    heard: list[Happened] = []

    def fail(happened: Happened) -> None:
        raise RuntimeError(happened.event)

    events.listen(app, Event.PROMOTED, fail)
    events.listen(app, Event.PROMOTED, heard.append)

    with app.test_request_context():
        events.announce(Event.PROMOTED)

    assert len(heard) == 1
