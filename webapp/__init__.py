"""The web application: pages, JSON API, command line and the records behind them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from webapp.application import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    """`create_app`, imported when it is asked for.

    The command line lives in this package too, and most of its verbs need no Flask, whose
    import takes five times as long as they do.
    """
    if name != "create_app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from webapp.application import create_app

    return create_app
