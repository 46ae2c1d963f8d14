"""Asking for a preview of a prompt, whoever asks: a page, the API, another page's wall of clips."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flask import current_app

from prompt_repo import documents, variables, yaml_text
from prompt_repo.catalogue import Catalogue
from prompt_repo.errors import PromptNotFound, PromptRepoError, UnknownEmotion
from prompt_repo.model import Character, Prompt, PromptKey
from webapp import audit, preview_errors, previews, video
from webapp.access import caller
from webapp.previews import Beside, Wanted
from webapp.queue import PREVIEWS, Jobs, NoQueue
from webapp.records.asking import Driver
from webapp.records.preview_models import Preview, Status
from webapp.services import jobs, records, repository, settings
from webapp.video import Brief, Misconfigured, VideoService

ANYBODY = "Any character"


@dataclass(frozen=True)
class Text:
    """A prompt's text with where it is from: typed, saved, of a version, or proposed."""

    text: str
    origin: str
    version: int | None
    commit: str


def typed(catalogue: Catalogue, key: PromptKey, text: str) -> Text:
    """A text that somebody typed over the prompt that stands.

    Raises InvalidDocument where it holds what no prompt can, half a surrogate pair say.
    """
    text = documents.normalise(text)
    yaml_text.require_text(text, key.path, "prompt_text")
    stored = catalogue.lookup(key)
    saved = stored is not None and stored.prompt.text == text
    if saved and stored is not None:
        return Text(text, "saved", stored.held.number, stored.held.commit)
    return Text(text, "typed", stored.held.number if stored else None, catalogue.commit)


def standing(catalogue: Catalogue, key: PromptKey) -> Text:
    """What stands, override or default; raises PromptNotFound."""
    stored = catalogue.lookup(key)
    if stored is None:
        raise PromptNotFound(key.path)
    return Text(stored.prompt.text, "saved", stored.held.number, stored.held.commit)


def numbered(catalogue: Catalogue, key: PromptKey, number: int) -> Text:
    """A version of exactly this prompt; raises VersionNotFound, NothingToPreview for a removal."""
    found = repository().history.numbered(catalogue.commit, key.path, number)
    if found.blob is None:
        raise preview_errors.NothingToPreview(
            f"version {number} removed the prompt; it has no text"
        )
    value = documents.parse(repository().store.blob(found.blob), found.path)
    text = value.text if isinstance(value, Prompt) else ""
    return Text(text, "version", found.number, found.commit)


def resolved(catalogue: Catalogue, key: PromptKey, text: str, reader: str | None = None) -> str:
    """The text as the video service gets it; a default's is filled in for one who reads it."""
    return variables.fill(text, catalogue.variables(_filled_for(catalogue, key, reader)))


def ask(
    environment: str,
    catalogue: Catalogue,
    key: PromptKey,
    text: Text,
    *,
    reuse: bool = True,
    reader: str | None = None,
) -> Preview:
    """Asks for one preview, and queues it.

    A default's has the name and the variables of `reader`, or else of the first who reads it.
    Raises UnknownEmotion, CharacterNotFound, NothingToPreview, TooManyPreviews, NoQueue,
    Misconfigured.
    """
    emotion = catalogue.configuration.by_id.get(key.emotion)
    if emotion is None:
        raise UnknownEmotion(key.emotion, catalogue.configuration.emotion_ids)
    character = _shown(catalogue, key, _filled_for(catalogue, key, reader))
    filled = resolved(catalogue, key, text.text, reader)
    brief = Brief(filled, character, emotion.id, emotion.label, emotion.colour)
    name, service = _service(environment)
    wanted = Wanted(
        environment, key.character, brief, text.text, text.origin, text.version, text.commit,
        name, service.settings,
    )  # fmt: skip
    return enqueue(wanted, key.path, reuse=reuse)


def readers(catalogue: Catalogue, emotion: str) -> Iterator[Character]:
    """The characters at work that read the default of an emotion, in order."""
    for ident in catalogue.character_ids():
        if emotion in catalogue.tables.folders.get(ident, {}):
            continue
        try:
            character = catalogue.character(ident)
        except PromptRepoError:
            continue  # its file is broken, so it reads nothing
        if not character.archived:
            yield character


def again(preview: Preview) -> Preview:
    """Asks for the same once more, with the service as its settings are now."""
    name, service = _service(preview.environment)
    brief = Brief(text=preview.resolved_text, emotion=preview.emotion, **preview.shown)
    wanted = Wanted(
        preview.environment, preview.character_id, brief, preview.prompt_text, preview.origin,
        preview.version, preview.commit, name, service.settings,
    )  # fmt: skip
    return enqueue(wanted, PromptKey(preview.character_id, preview.emotion).path)


def enqueue(wanted: Wanted, path: str, *, reuse: bool = True) -> Preview:
    """Records a preview, with its entry in the audit log, and queues its job: all, or neither.

    An entry can't be taken back: where Redis is away, a second one says so.
    """
    queue, subject = jobs(), f"{wanted.environment}:{path}"

    def enter(driver: Driver, made: Preview) -> None:
        audit.note_within(
            driver,
            subject,
            preview=made.id,
            service=wanted.service,
            origin=wanted.origin,
            reused=made.reused_from or "",
            path=path,
            commit=wanted.commit,
        )

    try:
        return _recorded_and_queued(queue, wanted, reuse, enter)
    except Exception:
        audit.enter_failure(subject)
        raise


def _recorded_and_queued(queue: Jobs, wanted: Wanted, reuse: bool, enter: Beside) -> Preview:
    told, given = settings(), records()
    preview = previews.ask(given, told, wanted, caller(), reuse=reuse, beside=enter)
    if preview.status == Status.PENDING:
        ident, seconds = previews.job_of(preview.id, 1), told.preview_time_limit
        try:
            queue.enqueue(PREVIEWS, "make_preview", preview.id, ident=ident, seconds=seconds)
        except NoQueue:
            previews.forget(given, preview.id)
            raise
    return preview


def cancel(ident: str) -> Preview:
    """Ends a preview, kills its job, and has freed what it made.

    Raises PreviewNotFound, PreviewOver. Without Redis the job finds out by itself.
    """
    before = previews.find(records(), ident).status
    preview = previews.cancel(records(), ident)
    audit.describe(f"preview {ident}", preview=ident, before=before, after=preview.status)
    queue = jobs()
    try:
        for attempt in {preview.attempts, preview.attempts + 1} - {0}:
            queue.cancel(previews.job_of(ident, attempt))
        release = f"release-{ident}"
        queue.enqueue("upkeep", "release_preview", ident, ident=release, seconds=120)
    except NoQueue as error:
        current_app.logger.warning("a cancelled preview's job was not stopped: %s", error)
    return preview


def services_named(environments: Iterable[str]) -> dict[str, str]:
    """What makes previews in each environment, or why nothing does."""
    found = {}
    for environment in environments:
        try:
            found[environment] = _service(environment)[0]
        except Misconfigured as error:
            found[environment] = str(error)
    return found


def _filled_for(catalogue: Catalogue, key: PromptKey, reader: str | None) -> PromptKey:
    """Whose variables a text gets: its character's, of a default's a reader's, if it has one."""
    if key.character is not None:
        return key
    if reader is not None:
        return PromptKey(catalogue.character(reader).id, key.emotion)
    first = next(readers(catalogue, key.emotion), None)
    return PromptKey(first.id, key.emotion) if first else key


def _shown(catalogue: Catalogue, key: PromptKey, filled: PromptKey) -> str:
    """Whose preview it is called: of a default it says whose name stands in it."""
    if filled.character is None:
        return ANYBODY
    name = catalogue.character(filled.character).name
    return name if key.character is not None else f"Default as {name}"


def _service(environment: str) -> tuple[str, VideoService]:
    name = settings().of_environment("video_service", environment)
    kept = current_app.extensions.setdefault("video_services", {})
    if environment not in kept:
        kept[environment] = video.service(settings(), environment)
    return name, kept[environment]
