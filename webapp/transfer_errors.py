"""Why an export or an import can't be had: each says it in a sentence for the person."""


class TransferError(Exception):
    """An export or an import isn't what was asked of it; says why."""


class TransferNotFound(TransferError):
    """There is no such export or import."""

    def __init__(self) -> None:
        super().__init__("there is no such export or import; it may have been cleaned up")


class TransferGone(TransferError):
    """The file expired."""

    def __init__(self) -> None:
        super().__init__("this file expired a day after it was asked for; export again")


class ImportGone(TransferGone):
    """The file of an import expired, and its plan with it."""

    def __init__(self) -> None:
        TransferError.__init__(
            self, "a file that was sent is kept for a day, and that is over; send it again"
        )


class TransferState(TransferError):
    """It isn't in a state in which this can be done."""


class TransferCancelled(TransferState):
    """Somebody called it off while it was worked on."""

    def __init__(self) -> None:
        super().__init__("it was cancelled meanwhile")


class TooManyTransfers(TransferError):
    """A limit is reached; `seconds` is when to come back."""

    def __init__(self, most: int, seconds: int) -> None:
        self.seconds = max(1, seconds)
        super().__init__(
            f"you began {most:,} exports and imports within an hour, which is the most; "
            f"come back in {-(-self.seconds // 60)} minutes"
        )
