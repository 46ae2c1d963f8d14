"""The cookie that holds a browser's session: Flask's own form of it, with less work a request."""

import json
from typing import Any

from flask import Flask, Request, request
from flask.sessions import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    session_json_serializer,
)
from itsdangerous import Signer as AnySigner
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode

COOKIE = "prompt_repo"
LONG = 1_000  # bytes
DIGEST = "sha1"  # Flask's own, by its name, for which OpenSSL has a way that takes half the time


class PlainJSON:
    """Writes what JSON has; also reads Flask's marks for other types, as cookies had them once."""

    dumps = staticmethod(json.JSONEncoder(separators=(",", ":")).encode)

    @staticmethod
    def loads(text: str) -> Any:
        """The session that a cookie holds."""
        return (session_json_serializer if '{" ' in text else json).loads(text)


class Signer(TimestampSigner):
    """Works its key out of the secret once."""

    def __init__(self, *told: Any, **more: Any) -> None:
        super().__init__(*told, **more)
        self._derived: dict[str | bytes | None, bytes] = {}

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        """The key that signs."""
        found = self._derived.get(secret_key)
        if found is None:
            found = self._derived[secret_key] = super().derive_key(secret_key)
        return found


class Serializer(URLSafeTimedSerializer):
    """Signs with the same signer every time."""

    _made: AnySigner | None = None

    def make_signer(self, salt: str | bytes | None = None) -> AnySigner:
        """The signer; there is one salt alone."""
        if self._made is None:
            self._made = super().make_signer(salt)
        return self._made

    def dump_payload(self, obj: Any) -> bytes:
        """What is signed, packed only where it is long: zlib asks for a quarter of a megabyte."""
        plain = PlainJSON.dumps(obj).encode()
        return base64_encode(plain) if len(plain) < LONG else super().dump_payload(obj)


class Sessions(SecureCookieSessionInterface):
    """Signed cookies; a request without one costs nothing, and over HTTPS they stay on it."""

    def __init__(self) -> None:
        self._signing: tuple[Any, Serializer | None] = (None, None)

    def get_signing_serializer(self, app: Flask) -> Serializer | None:
        """What signs cookies and reads them, made once and not twice a request."""
        key, serializer = self._signing
        if key is not app.secret_key:
            key = app.secret_key
            kinds = {"key_derivation": self.key_derivation, "digest_method": DIGEST}
            told: dict[str, Any] = {
                "serializer": PlainJSON,
                "signer": Signer,
                "signer_kwargs": kinds,
            }
            serializer = Serializer(key, salt=self.salt, **told) if key else None
            self._signing = key, serializer
        return serializer

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a request; programs with a token send no cookie and get an empty one."""
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        return super().open_session(app, request)

    def get_cookie_name(self, app: Flask) -> str:
        """Over HTTPS a name that browsers take from this very host alone, and over HTTPS only."""
        return f"__Host-{COOKIE}" if request.is_secure else COOKIE

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether browsers send the cookie over HTTPS only."""
        return request.is_secure
