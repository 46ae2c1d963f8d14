"""The JSON API at /api/v1: resources, bodies, preconditions, and its own description."""

from flask import Blueprint, Flask

blueprint = Blueprint("api", __name__, url_prefix="/api")


def init_app(app: Flask) -> None:
    """Nothing beyond the routes, which the modules below add to the blueprint."""


from webapp.api import (  # noqa: E402 - they add their routes to the blueprint above
    audit,
    bulk,
    changes,
    characters,
    collections,
    description,
    previews,
    promotions,
    prompts,
    staging,
    transfers,
)

__all__ = [
    "audit",
    "blueprint",
    "bulk",
    "changes",
    "characters",
    "collections",
    "description",
    "init_app",
    "previews",
    "promotions",
    "prompts",
    "staging",
    "transfers",
]
