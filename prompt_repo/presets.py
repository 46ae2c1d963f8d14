"""Lists of emotions to begin a repository with; later they are the repository's own."""

from collections.abc import Mapping
from types import MappingProxyType

from prompt_repo.model import Configuration, Emotion

BASIC = {
    "idle": "#64748b",
    "excited": "#d97706",
    "sad": "#2563eb",
    "angry": "#dc2626",
    "confused": "#7c3aed",
    "happy": "#15803d",
    "surprised": "#be185d",
}
GOEMOTIONS = {
    "neutral": "#64748b",
    "admiration": "#a16207",
    "amusement": "#ca8a04",
    "anger": "#dc2626",
    "annoyance": "#ea580c",
    "approval": "#4d7c0f",
    "caring": "#db2777",
    "confusion": "#7c3aed",
    "curiosity": "#6d28d9",
    "desire": "#be123c",
    "disappointment": "#475569",
    "disapproval": "#b45309",
    "disgust": "#3f6212",
    "embarrassment": "#e11d48",
    "excitement": "#d97706",
    "fear": "#5b21b6",
    "gratitude": "#0f766e",
    "grief": "#1e3a8a",
    "joy": "#15803d",
    "love": "#be185d",
    "nervousness": "#9333ea",
    "optimism": "#65a30d",
    "pride": "#c2410c",
    "realization": "#0e7490",
    "relief": "#059669",
    "remorse": "#4338ca",
    "sadness": "#2563eb",
    "surprise": "#c026d3",
}
"""The 28 labels of the GoEmotions data set (Demszky et al., 2020), neutral first."""


def _configuration(colours: Mapping[str, str]) -> Configuration:
    emotions = (Emotion(name, name.capitalize(), colour) for name, colour in colours.items())
    return Configuration(emotions=tuple(emotions))


PRESETS: Mapping[str, Configuration] = MappingProxyType(
    {"basic": _configuration(BASIC), "goemotions": _configuration(GOEMOTIONS)}
)
