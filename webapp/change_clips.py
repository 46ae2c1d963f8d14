"""What a change request does to clips: a prompt before and after, side by side."""

from dataclasses import dataclass
from itertools import chain, islice

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from prompt_repo import change_effects
from prompt_repo.catalogue import Catalogue
from prompt_repo.change_effects import Pair
from prompt_repo.errors import PromptRepoError
from prompt_repo.layout import place_of
from prompt_repo.model import PromptKey
from webapp import change_requests, preview_asking, preview_walls, previews
from webapp.access import Scope, access
from webapp.change_views import Subject, title
from webapp.changes import frame, subject_of
from webapp.preview_asking import Text
from webapp.preview_walls import Place
from webapp.records.preview_models import Preview
from webapp.services import records

blueprint = Blueprint("change_clips", __name__, url_prefix="/changes")
ONE = "/<int:number>/clips"
CHOICE = 50  # readers that the page offers; the page of a document's reach leads to all others


@dataclass(frozen=True)
class Chosen:
    """One document of a change request, and whose prompt of it is looked at.

    `offered` are those whose resolved text it changes, by what an address calls them.
    """

    path: str
    key: PromptKey | None
    offered: dict[str, str]
    more: bool

    @property
    def of(self) -> str:
        """What an address calls the one that is looked at."""
        return "/".join((self.key.character or "", self.key.emotion)) if self.key else ""


@blueprint.get(ONE)
@access(Scope.READ)
def show(number: int) -> str:
    """A changed prompt before and after, as clips that play in step."""
    subject = subject_of(change_requests.found(number))
    chosen = _chosen(subject, request.args.get("path", ""), request.args.get("of", ""))
    return render_template(
        "changes/clips.html",
        subject=subject,
        chosen=chosen,
        title=subject.title(chosen.path) if chosen else request.args.get("path", "")[:200],
        documents=_documents(subject),
        places=_places(subject, chosen.key) if chosen and chosen.key else [],
        **frame(subject),
    )


@blueprint.post(ONE)
@access(Scope.WRITE)
def make(number: int) -> Response:
    """Asks for those of the two clips that aren't there."""
    subject = subject_of(change_requests.found(number))
    chosen = _chosen(subject, request.form.get("path", ""), request.form.get("of", ""))
    path, of = (chosen.path, chosen.of) if chosen else (None, None)
    if chosen and chosen.key:
        sides = zip((subject.before, subject.after), _places(subject, chosen.key), strict=True)
        asked = [(catalogue, place) for catalogue, place in sides if place.open]
        preview_walls.make(subject.row.base, chosen.key.character, asked)
    return redirect(url_for(".show", number=number, path=path, of=of), 303)


def _documents(subject: Subject) -> dict[str, str]:
    """The documents to choose from, by path."""
    paths = subject.comparison.paths if subject.comparison else ()
    return {path: subject.title(path) for path in islice(paths, CHOICE)}


def _chosen(subject: Subject, path: str, of: str) -> Chosen | None:
    """What an address names, or without one the first there is; None where there is no such."""
    paths = subject.comparison.paths if subject.comparison else ()
    path = path or next(iter(paths), "")
    if path not in paths:
        return None
    found = change_effects.effects(subject.before, subject.after, path)
    pairs = [(each.character, each.emotion) for each in islice(found, CHOICE + 1)]
    named = _named(subject, path, of)
    offered = {
        f"{who}/{emotion}": title(subject.after, PromptKey(who, emotion).path)
        for who, emotion in chain(pairs[:CHOICE], [named] if named else [])
    }
    pair = named or next(iter(pairs), None)
    key = PromptKey(*pair) if pair else _itself(path)
    return Chosen(path, key, offered, len(pairs) > CHOICE)


def _named(subject: Subject, path: str, of: str) -> Pair | None:
    """Who an address names, where what they resolve to is changed."""
    place, (who, _, emotion) = place_of(path), of.partition("/")
    if place is None or place.emotion not in (None, emotion) or place.character not in (None, who):
        return None
    before, after = (
        change_effects.resolved(each, who, emotion) for each in (subject.before, subject.after)
    )
    return (who, emotion) if before != after else None


def _itself(path: str) -> PromptKey | None:
    """A default that nobody reads, as it is; None for other documents."""
    place = place_of(path)
    key = place.key if place else None
    return key if key is not None and key.character is None else None


def _places(subject: Subject, key: PromptKey) -> list[Place]:
    """Two places: what the base resolves to, and what is proposed."""
    made = previews.of_texts(records(), subject.row.base, key.character)
    words = (f"Before: {subject.row.base}", "After: as proposed")
    return [
        _place(word, catalogue, key, made, proposed=catalogue is subject.after)
        for word, catalogue in zip(words, (subject.before, subject.after), strict=True)
    ]


def _place(
    label: str,
    catalogue: Catalogue,
    key: PromptKey,
    made: dict[tuple[str, str], Preview],
    *,
    proposed: bool,
) -> Place:
    try:
        text = preview_asking.standing(catalogue, key)
    except PromptRepoError:  # missing on this side, or broken: a check names it
        return Place(label, None, None, "", None)
    if proposed:
        text = Text(text.text, "proposed", None, catalogue.commit)
    emotion = catalogue.configuration.by_id[key.emotion]
    return preview_walls.place(label, emotion, catalogue, key, text, made)
