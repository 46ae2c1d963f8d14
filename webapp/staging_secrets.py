"""The key of a sync's fakes, and the mapping it opens; the records hold neither."""

from pathlib import Path

from sync import mapping
from sync.errors import UnusableKey
from sync.keyed import Key
from sync.mapping import Mapping
from webapp import folder
from webapp.config import Settings, told_secret

MAPPING_FILE = "mapping.sqlite3"


def key_of(settings: Settings) -> Key:
    """The key; on the embedded default one that is made once in the data folder.

    Raises UnusableKey where workers on other machines would each make their own.
    """
    if settings.anonymization_key:
        return Key(told_secret(settings.anonymization_key))
    if settings.records_url:
        raise UnusableKey(
            "the anonymisation key is missing: set PROMPT_REPO_ANONYMIZATION_KEY for the server "
            "and all workers alike"
        )
    return Key(folder.anonymization_key(settings.data))


def mapping_of(settings: Settings, key: Key) -> Mapping | None:
    """Which fake stands for which original; None where the settings keep nothing of it.

    Raises UnusableDatabase.
    """
    if settings.sync_mapping == "off":
        return None
    if not settings.sync_mapping_url:
        _file(settings).touch(mode=0o600)
    sealed = settings.sync_mapping == "sealed"
    return Mapping(_address(settings), key, sealed, settings.sync_mapping_days)


def expire_mapping(settings: Settings) -> int:
    """Takes away of the mapping whose time is over, also where no more is kept; tells how much.

    Raises UnusableDatabase, InvalidSetting.
    """
    if not settings.sync_mapping_url and not _file(settings).exists():
        return 0
    return mapping.expire(_address(settings))


def _address(settings: Settings) -> str:
    return told_secret(settings.sync_mapping_url or f"sqlite:///{_file(settings)}")


def _file(settings: Settings) -> Path:
    return settings.data.absolute() / MAPPING_FILE
