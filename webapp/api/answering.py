"""Bodies of the API out of the domain's values, and the headers that go with them."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response, current_app, jsonify, request
from werkzeug.datastructures import Headers

from prompt_repo import diffing
from prompt_repo.catalogue import Catalogue, placed
from prompt_repo.documents import readable
from prompt_repo.errors import InvalidDocument
from prompt_repo.model import Author, Prompt, PromptKey, Resolved, Source, Version
from prompt_repo.repository import Repository
from prompt_repo.variables import unknown

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

FOREVER = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"
COMMIT = "Prompt-Commit"


def person(author: Author) -> dict[str, str]:
    """A person as the API names one."""
    return {"name": author.name, "email": author.email}


def time(moment: datetime) -> str:
    """A time as RFC 3339 in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def answer(body: Any, catalogue: Catalogue, etag: str | None, status: int = 200) -> Response:
    """A JSON answer about prompts: it names its commit, carries its ETag, and may be a 304."""
    response = jsonify(body)
    response.status_code = status
    return marked(response, catalogue, etag)


class MadeAt(Response):
    """A JSON answer that says where the thing is that was made, as `url_for` wrote it out."""

    def __init__(self, body: Any, status: int, location: str) -> None:
        text = f"{current_app.json.dumps(body)}\n"
        super().__init__(text, status, {"Location": location}, "application/json")

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """Those that are there: Werkzeug takes any address apart and puts it together again."""
        return self.headers


def marked(response: Response, catalogue: Catalogue, etag: str | None) -> Response:
    """Sets the headers of an answer about prompts; turns it into a 304 where that is asked."""
    response.headers[COMMIT] = catalogue.commit
    for_ever = request.args.get("at") == catalogue.commit
    response.headers["Cache-Control"] = FOREVER if for_ever else ASK_AGAIN
    if etag is not None:
        response.set_etag(etag)
        if request.method in ("GET", "HEAD") and response.status_code == 200:
            response.make_conditional(request)
    return response


def whole(catalogue: Catalogue) -> str:
    """The ETag of an answer that may depend on everything at a commit."""
    return catalogue.commit


def prompt(repository: Repository, catalogue: Catalogue, key: PromptKey) -> dict[str, Any]:
    """A prompt as a reader of `key` gets it; `missing` where nothing stands."""
    standing = catalogue.standing(key)
    if standing is None:
        return _empty(catalogue, key)
    file, held = standing
    source = Source.GLOBAL if file.character is None else Source.CHARACTER
    version, first = repository.history.version(held.row), repository.history.first(held.row)
    return {
        **_empty(catalogue, key),
        "source": source,
        "is_default": source is Source.GLOBAL,
        "is_global_override": source is Source.CHARACTER,
        "version": held.number,
        "commit": held.commit,
        "etag": catalogue.etag(key),
        "created_by": person(first.author),
        "created_at": time(first.created_at),
        "updated_by": person(version.author),
        "updated_at": time(version.created_at),
        "reason": version.reason,
        **_said(catalogue, key, file),
    }


def _said(catalogue: Catalogue, key: PromptKey, file: PromptKey) -> dict[str, Any]:
    """What the file that stands says, or what is wrong with it."""
    broken = catalogue.broken(file)
    stored = None if broken else catalogue.stored(file)
    if stored is None:
        return {"problem": str(broken)}
    return {
        "prompt_text": stored.prompt.text,
        "unknown_variables": list(unknown(stored.prompt.text, catalogue.variables(key))),
        "notes": stored.prompt.notes,
        "tags": list(stored.prompt.tags),
    }


def _named(key: PromptKey) -> dict[str, Any]:
    return {"id": str(key.id), "character": key.character, "emotion": key.emotion}


def _empty(catalogue: Catalogue, key: PromptKey) -> dict[str, Any]:
    """A prompt of which nothing is known; its fields stand in the order of all prompts."""
    return {
        **_named(key),
        "prompt_text": None,
        "source": Source.MISSING,
        "is_default": False,
        "is_global_override": False,
        **dict.fromkeys(("version", "commit", "etag", "created_by", "created_at")),
        **dict.fromkeys(("updated_by", "updated_at", "deleted_at", "reason")),
        "variables": catalogue.variables(key),
        "unknown_variables": [],
        "notes": "",
        "tags": [],
    }


def removed(repository: Repository, catalogue: Catalogue, key: PromptKey) -> dict[str, Any] | None:
    """A removed prompt as it last was, with the time it was removed; None where none was."""
    held = catalogue.removed(key.character).get(key.emotion)
    if held is None:
        return None
    gone = repository.history.version(held.row)
    first = repository.history.first(held.row)
    return {
        **_empty(catalogue, key),
        **_last_said(repository, catalogue, key),
        "version": held.number,
        "commit": held.commit,
        "created_by": person(first.author),
        "created_at": time(first.created_at),
        "updated_by": person(gone.author),
        "updated_at": time(gone.created_at),
        "deleted_at": time(gone.created_at),
        "reason": gone.reason,
    }


def _last_said(repository: Repository, catalogue: Catalogue, key: PromptKey) -> dict[str, Any]:
    page = repository.history.page(catalogue.commit, key.path, limit=2)
    last = next((each for each in page.versions if not each.removed), None)
    read = _read(repository, last) if last else None
    if isinstance(read, Prompt):
        return {"prompt_text": read.text, "notes": read.notes, "tags": list(read.tags)}
    return {"problem": str(read)} if read else {}


def resolved(found: Resolved) -> dict[str, Any]:
    """A resolved prompt."""
    return {
        **_named(PromptKey(found.character, found.emotion)),
        "text": found.text,
        "source": found.source,
        "is_default": found.source is Source.GLOBAL,
        "version": found.held.number,
        "commit": found.held.commit,
        "etag": found.etag,
        "unknown_variables": list(found.unknown_variables),
    }


def exported(found: Resolved) -> dict[str, Any]:
    """One prompt of an export."""
    return {
        "character": found.character,
        "emotion": found.emotion,
        "text": found.text,
        "source": found.source,
        "version": found.held.number,
        "commit": found.held.commit,
        "etag": found.etag,
    }


def not_exported(
    character: str, emotion: str, source: Source, problem: str | None
) -> dict[str, Any]:
    """One prompt of an export that has no text: it is missing, or `problem` says why."""
    return {
        "character": character,
        "emotion": emotion,
        "text": None,
        "source": source,
        **dict.fromkeys(("version", "commit", "etag")),
        **({"problem": problem} if problem else {}),
    }


def _read(repository: Repository, version: Version) -> Prompt | InvalidDocument | None:
    """What a version says, or what is wrong with its file; None for a removal."""
    if version.blob is None:
        return None
    read = placed(repository.parsed({version.blob: version.path})[version.blob], version.path)
    return read if isinstance(read, (Prompt, InvalidDocument)) else None


def _shown(repository: Repository, version: Version) -> str | None:
    """What a diff shows of a version: its text, or all that a broken file holds."""
    if version.blob is None:
        return None
    return readable(repository.store.blob(version.blob), version.path)


def version(repository: Repository, key: PromptKey, found: Version) -> dict[str, Any]:
    """One version of a prompt."""
    read = _read(repository, found)
    return {
        "id": found.commit,
        "prompt_id": str(key.id),
        "version": found.number,
        "commit": found.commit,
        "prompt_text": read.text if isinstance(read, Prompt) else None,
        "removed": found.removed,
        "created_by": person(found.author),
        "created_at": time(found.created_at),
        "reason": found.reason,
        **({"problem": str(read)} if isinstance(read, InvalidDocument) else {}),
    }


def diff(
    repository: Repository, key: PromptKey, old: Version, new: Version, context: int
) -> dict[str, Any]:
    """How one version differs from another; `context` lines are shown around a change."""
    before, after = _shown(repository, old), _shown(repository, new)
    added, gone = diffing.size(before, after)
    names = f"version {old.number}", f"version {new.number}"
    return {
        "from": version(repository, key, old),
        "to": version(repository, key, new),
        "added": added,
        "removed": gone,
        "lines": [_line(row) for row in diffing.rows(before, after, context)],
        "unified": diffing.unified(before, after, *names, context),
    }


def _line(row: diffing.Row) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "old_number": row.old_number,
        "new_number": row.new_number,
        "old": [{"kind": kind, "text": text} for kind, text in row.old],
        "new": [{"kind": kind, "text": text} for kind, text in row.new],
        "folded": row.folded,
    }


def character(repository: Repository, catalogue: Catalogue, ident: str) -> dict[str, Any]:
    """A character; raises CharacterNotFound."""
    who, held = catalogue.character(ident), catalogue.character_held(ident)
    latest, first = repository.history.version(held.row), repository.history.first(held.row)
    return {
        "id": who.id,
        "name": who.name,
        "description": who.description,
        "variables": dict(who.variables),
        "tags": list(who.tags),
        "archived": who.archived,
        "version": held.number,
        "commit": held.commit,
        "etag": catalogue.character_etag(ident),
        "created_by": person(first.author),
        "created_at": time(first.created_at),
        "updated_by": person(latest.author),
        "updated_at": time(latest.created_at),
        "reason": latest.reason,
    }


def character_row(catalogue: Catalogue, ident: str) -> dict[str, Any]:
    """A character in a list, with where each emotion's prompt comes from."""
    who = catalogue.character(ident)
    return {
        "id": who.id,
        "name": who.name,
        "description": who.description,
        "tags": list(who.tags),
        "archived": who.archived,
        "coverage": dict(catalogue.coverage(ident)),
    }


def cells(catalogue: Catalogue, ident: str) -> Mapping[str, dict[str, Any]]:
    """A row of the matrix."""
    found = {}
    for emotion, source in catalogue.coverage(ident).items():
        standing = catalogue.standing(PromptKey(ident, emotion))
        found[emotion] = {
            "source": source,
            "version": standing[1].number if standing else None,
            "commit": standing[1].commit if standing else None,
        }
    return found
