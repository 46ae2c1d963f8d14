"""Settings read from the environment: what can't be used is refused before anything starts."""

import pytest

from webapp.config import InvalidSetting, Settings


@pytest.mark.parametrize(
    "address",
    ["redis://localhost:6379/0", "rediss://:secret@cache.example:6380", "unix:///run/redis.sock"],
)
def test_addresses_of_redis(address: str) -> None:
    """As redis-py takes them."""
    assert address == Settings.from_environment({"PROMPT_REPO_REDIS_URL": address}).redis_url


@pytest.mark.parametrize(
    "address", ["http://:secret@cache", "cache:6379", "redis://:secret@cache:x", "//secret"]
)
def test_a_wrong_address_of_redis_is_refused(address: str) -> None:
    """With the setting's name and what would be right, and without the password it may hold."""
    with pytest.raises(InvalidSetting) as refused:
        Settings.from_environment({"PROMPT_REPO_REDIS_URL": address})

    assert str(refused.value).startswith("PROMPT_REPO_REDIS_URL: ")
    assert "secret" not in str(refused.value)


def test_another_wrong_setting_is_shown() -> None:
    """As it was written."""
    with pytest.raises(InvalidSetting, match=r"PROMPT_REPO_WORKERS='many': write a whole number"):
        Settings.from_environment({"PROMPT_REPO_WORKERS": "many"})
