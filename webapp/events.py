"""What happened, told to whoever listens: webhooks, mirrors, change requests.

A module that does something announces it; a module that cares listens, from its `init_app`:

    events.listen(app, Event.BRANCH_MOVED, mirror.wake)
    events.announce(Event.PROMOTED, tag=tag, commit=oid)

Listeners run at once, in the request that announced, and only take note: they write a row or wake
a thread, and do the work elsewhere. What one of them raises is logged, and stops neither the others
nor what happened, which is done already.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog
from flask import Flask, current_app

from webapp.access import caller

log = structlog.get_logger(__name__)
EXTENSION = "listeners"


class Event(StrEnum):
    """What can happen; the values are the names that webhooks carry."""

    BRANCH_MOVED = "branch.moved"
    PROMPT_CHANGED = "prompt.changed"
    CHANGE_OPENED = "change_request.opened"
    CHANGE_REVIEWED = "change_request.reviewed"
    CHANGE_MERGED = "change_request.merged"
    PROMOTED = "promotion.done"
    ROLLED_BACK = "promotion.rolled_back"


@dataclass(frozen=True, slots=True)
class Happened:
    """One event: who did it, and what there is to say of it, in JSON's types.

    Where it is `noted`, webhooks have it in their outbox already, by the very transaction in which
    it happened; so that no death of a process comes between.
    """

    event: Event
    actor: str
    facts: Mapping[str, Any]
    noted: bool = False


Listener = Callable[[Happened], None]


def listen(app: Flask, event: Event, listener: Listener) -> None:
    """Has a listener called at each such event."""
    app.extensions.setdefault(EXTENSION, {}).setdefault(event, []).append(listener)


def announce(event: Event, **facts: Any) -> None:
    """Tells everybody who listens that something was done by whoever asks now."""
    tell(Happened(event, caller().actor, facts))


def tell(happened: Happened) -> None:
    """The same, for who knows all of it."""
    for listener in current_app.extensions.get(EXTENSION, {}).get(happened.event, ()):
        try:
            listener(happened)
        except Exception:  # what is done stays done; the log keeps the trace
            log.exception("a listener failed", announced=happened.event)
