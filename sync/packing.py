"""Cells as text and back, exactly: how keys and rows stand in the sync's own tables."""

import json
from typing import Any

from sync.model import Cell, Row


def packed(value: Any) -> str:
    """Cells as text that holds them exactly."""
    return ENCODER.encode(value)


def _bytes(value: bytes) -> dict[str, str]:
    return {"hex": value.hex()}


ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_bytes)


def unpacked(text: str | None) -> Row | None:
    """Cells out of their text."""
    return None if text is None else tuple(cell_of(each) for each in json.loads(text))


def cell_of(value: Any) -> Cell:
    """A cell out of what JSON holds of it."""
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
