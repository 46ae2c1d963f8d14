"""How templates say things: times, numbers, sources, problems, and texts with variables lit up."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from math import ceil
from pathlib import Path
from typing import Literal

from flask import Flask, url_for
from markupsafe import Markup, escape

from prompt_repo import variables
from prompt_repo.errors import Problem
from prompt_repo.hidden_characters import hidden
from prompt_repo.model import Source

STATIC = Path(__file__).parent / "static"
MINUTE, HOUR, DAY = 60, 3_600, 86_400
SOURCES = {Source.CHARACTER: "override", Source.GLOBAL: "default", Source.MISSING: "missing"}
UNSEEN = Markup('<span class="unseen-letter" title="{}" data-code="{}">{}</span>')
Piece = tuple[Literal["text", "filled", "unknown"], str, str]


def register(app: Flask) -> None:
    """Makes the filters and `asset` known to the app's templates."""
    app.add_template_filter(ago)
    app.add_template_filter(dated)
    app.add_template_filter(until)
    app.add_template_filter(duration)
    app.add_template_filter(exact)
    app.add_template_filter(readable)
    app.add_template_filter(counted)
    app.add_template_filter(headline)
    app.add_template_filter(initials)
    app.add_template_filter(capitalize_first)
    app.add_template_filter(source_label)
    app.add_template_filter(plain_problem)
    app.add_template_filter(seen)
    app.add_template_global(asset)


def ago(moment: datetime, now: datetime | None = None) -> str:
    """How long ago a moment was, in the largest unit that is not zero; a date after 30 days."""
    seconds = int(((now or datetime.now(UTC)) - moment).total_seconds())
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return f"{counted(seconds // MINUTE, 'minute')} ago"
    if seconds < DAY:
        return f"{counted(seconds // HOUR, 'hour')} ago"
    if seconds < 2 * DAY:
        return "yesterday"
    if seconds < 30 * DAY:
        return f"{seconds // DAY} days ago"
    return f"on {moment.day} {moment:%b %Y}"


def dated(moment: datetime) -> str:
    """The day of a moment, in UTC."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y}"


def until(moment: datetime, now: datetime | None = None) -> str:
    """How long it is until a moment, in its largest unit; a begun minute counts."""
    seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    minutes = ceil(seconds / MINUTE)
    if minutes < 1:
        return "now"
    if minutes < HOUR // MINUTE:
        return f"in {counted(minutes, 'minute')}"
    return f"in {counted(minutes * MINUTE // HOUR, 'hour')}"


def duration(seconds: float) -> str:
    """So many seconds in one or two units: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"


def exact(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC, for `datetime` attributes."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def readable(moment: datetime) -> str:
    """A moment exactly, as people read it."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M:%S} UTC"


def counted(number: int, noun: str) -> str:
    """`1 line`, `12 lines`, `1,200 lines`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def headline(reason: str) -> str:
    """The first line of a reason."""
    return reason.partition("\n")[0]


def initials(name: str) -> str:
    """At most two letters that stand for a person."""
    words = name.split()
    return "".join(word[0] for word in words[:1] + words[1:][-1:]).upper() or "?"


def capitalize_first(sentence: str) -> str:
    """A sentence with a capital at its beginning; a path that it begins with stays as it is."""
    if ".yaml" in sentence.partition(" ")[0]:
        return sentence
    return sentence[:1].upper() + sentence[1:]


def source_label(source: Source) -> str:
    """The word people read for where a prompt comes from."""
    return SOURCES[source]


def plain_problem(problem: Problem) -> str:
    """What is wrong, without the path the reader is editing anyway."""
    field = problem.field.partition(".")[0]
    known = {"prompt": "Text", "notes": "Notes", "tags": "Tags", "name": "Name"}
    label = known.get(field, field.capitalize())
    return f"{label}: {problem.message}" if label else problem.message


def seen(text: str) -> str:
    """A text in which the stylesheet shows what nobody would see, by its code.

    The characters themselves stay, so that the text of the page is that of the prompt.
    """
    found = hidden(text)
    if not found:
        return text
    shown, at = Markup(), 0
    for each in found:
        shown += escape(text[at : each.start]) + UNSEEN.format(each.name, each.code, each.letter)
        at = each.start + 1
    return shown + escape(text[at:])


def first_lines(text: str, lines: int = 2, limit: int = 400) -> str:
    """The beginning of a text, for lists."""
    return "\n".join(text.strip()[:limit].splitlines()[:lines])


def lit(text: str, values: Mapping[str, str]) -> list[Piece]:
    """The text filled in, in pieces, so that what came from a variable can be lit up.

    The pieces joined are what `variables.fill` gives.
    """
    pieces: list[Piece] = []
    end = 0
    for span in variables.spans(text, values):
        pieces.append(("text", variables.fill(text[end : span.start], values), ""))
        word = text[span.start : span.end]
        kind: Literal["filled", "unknown"] = "filled" if span.known else "unknown"
        pieces.append((kind, values[span.name] if span.known else word, span.name))
        end = span.end
    pieces.append(("text", variables.fill(text[end:], values), ""))
    return [piece for piece in pieces if piece[1]]


def asset(name: str) -> str:
    """The address of a static file, with its content's digest so that it can be kept for ever."""
    return url_for("static", filename=name, v=_digest(name))


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
