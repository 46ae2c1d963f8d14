"""The bytes of a clip: whole or in part, for as long as it lives."""

from datetime import datetime

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Response as AnyResponse

from webapp import clock, preview_errors, preview_files
from webapp.records.preview_models import Preview, Status
from webapp.services import records, settings
from webapp.storage import NotStored, Storage, storage

GONE = "the clip’s file is gone; ask for the preview again"
LINK = 300  # seconds that a signed address is good for


def clip(preview: Preview, *, link: bool = False) -> AnyResponse:
    """The clip, or what stands in its way.

    With `link` a client is led to the storage itself, where that gives out addresses.
    Raises PreviewNotReady, PreviewFailed, PreviewGone.
    """
    now = clock.now()
    check(preview, now)
    home = storage(settings(), preview.environment)
    size = _size(home, preview)
    if link:
        left = min(LINK, int((preview.expires_at - now).total_seconds()))
        address = home.link(preview.file, left, filename(preview))
        if address is not None and left > 0:
            response = Response("", 302, {"Location": address, "Cache-Control": "no-store"})
            response.content_length = 0
            return response
    return _bytes(home, preview, size, now)


def check(preview: Preview, now: datetime) -> None:
    """Raises what stands in the way of playing a clip."""
    if preview.status == Status.FAILED:
        raise preview_errors.PreviewFailed(preview.error)
    if preview.at_work:
        raise preview_errors.PreviewNotReady
    if preview.status == Status.CANCELLED:
        raise preview_errors.PreviewGone("this preview was cancelled; there is no clip")
    if not preview.playable(now):
        raise preview_errors.PreviewGone(
            "this clip expired 24 hours after it was asked for; ask again"
        )


def filename(preview: Preview) -> str:
    """What the clip is called when it is downloaded."""
    version = f"-v{preview.version}" if preview.version and preview.origin != "typed" else "-draft"
    return f"{preview.character_id or 'default'}-{preview.emotion}{version}.mp4"


def _size(home: Storage, preview: Preview) -> int:
    """How many bytes a clip has; one whose file is gone is over, so that nothing reuses it."""
    try:
        return home.size(preview.file)
    except NotStored:
        preview_files.lose(records(), preview.file)
        raise preview_errors.PreviewGone(GONE) from None


def _bytes(home: Storage, preview: Preview, size: int, now: datetime) -> Response:
    start, stop = _part(size)
    try:
        body = home.read(preview.file, start, stop - start) if request.method != "HEAD" else None
    except NotStored:  # just now
        raise preview_errors.PreviewGone(GONE) from None
    response = Response(body, 206 if (start, stop) != (0, size) else 200, mimetype="video/mp4")
    response.content_length = stop - start
    response.accept_ranges = "bytes"
    if response.status_code == 206:
        response.content_range.set(start, stop, size)
    response.set_etag(preview.file.removesuffix(".mp4"))
    left = int((preview.expires_at - now).total_seconds())
    response.headers["Cache-Control"] = f"private, max-age={min(left, 3600)}"
    kind = "attachment" if "download" in request.args else "inline"
    response.headers["Content-Disposition"] = f'{kind}; filename="{filename(preview)}"'
    return response


def _part(size: int) -> tuple[int, int]:
    """The first byte asked for and the one after the last; several parts at once aren't given."""
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return 0, size
    if request.if_range is not None and request.if_range.etag is None and request.if_range.date:
        return 0, size
    found = asked.range_for_length(size)
    if found is None:
        raise RequestedRangeNotSatisfiable(size)
    return found
