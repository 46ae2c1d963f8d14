"""Why there is no preview, or no clip of one: each says it in a sentence for the person."""


class PreviewError(Exception):
    """A preview can't be had, or isn't what was asked of it; says why."""


class PreviewNotFound(PreviewError):
    """There is no such preview."""

    def __init__(self) -> None:
        super().__init__("there is no such preview")


class PreviewGone(PreviewError):
    """The clip expired, or its making was cancelled."""


class PreviewNotReady(PreviewError):
    """The clip is still being made."""

    def __init__(self) -> None:
        super().__init__("the clip is still being made; ask for the preview's status, then again")


class PreviewFailed(PreviewError):
    """The clip could not be made; in the service's own words."""


class PreviewOver(PreviewError):
    """A preview that is over can't be cancelled."""


class NothingToPreview(PreviewError):
    """There is no text, or one that no service should be given."""


class TooManyPreviews(PreviewError):
    """A limit is reached; `seconds` is when to come back."""

    def __init__(self, message: str, seconds: int) -> None:
        self.seconds = max(1, seconds)
        super().__init__(message)
