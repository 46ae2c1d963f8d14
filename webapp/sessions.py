"""The cookie that holds a browser's session: Flask's own form of it, with less work a request."""

import json
import time
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionMixin,
    session_json_serializer,
)
from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer
from itsdangerous import Signer as AnySigner
from itsdangerous.encoding import base64_encode

COOKIE = "prompt_repo"
LONG = 1_000  # bytes
REMEMBERED = 500  # texts that were found to be signed
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
    """Signs with the same signer every time, and reads a text that it has read before at once."""

    def __init__(self, *told: Any, **more: Any) -> None:
        super().__init__(*told, **more)
        self._made: AnySigner | None = None
        self._read: dict[str | bytes, tuple[str, float]] = {}

    def make_signer(self, salt: str | bytes | None = None) -> AnySigner:
        """The signer; there is one salt alone."""
        if self._made is None:
            self._made = super().make_signer(salt)
        return self._made

    def dump_payload(self, obj: Any) -> bytes:
        """What is signed, packed only where it is long: zlib asks for a quarter of a megabyte."""
        plain = PlainJSON.dumps(obj).encode()
        return base64_encode(plain) if len(plain) < LONG else super().dump_payload(obj)

    def read(self, signed: str, max_age: int | None = None) -> Any:
        """As `loads`: what was signed still is, and can only have aged."""
        known = self._read.get(signed)
        if known is not None and (max_age is None or 0 <= time.time() - known[1] <= max_age):
            return json.loads(known[0])
        found, at = self.loads(signed, max_age, return_timestamp=True)
        if len(self._read) >= REMEMBERED:
            self._read.clear()
        self._read[signed] = PlainJSON.dumps(found), at.timestamp()
        return found


class Signing:
    """What signs for one purpose, and reads what was signed: made once, not at each request."""

    def __init__(self, salt: str, **kinds: Any) -> None:
        self._salt, self._kinds = salt, kinds
        self._made: tuple[Any, Serializer | None] = (None, None)

    def of(self, app: Flask) -> Serializer | None:
        """That of an application; None where it has no secret."""
        key, serializer = self._made
        if key is not app.secret_key:
            key = app.secret_key
            told: dict[str, Any] = {
                "serializer": PlainJSON,
                "signer": Signer,
                "signer_kwargs": self._kinds,
            }
            serializer = Serializer(key, salt=self._salt, **told) if key else None
            self._made = key, serializer
        return serializer


class Sessions(SecureCookieSessionInterface):
    """Signed cookies; a request without one costs nothing, and over HTTPS they stay on it."""

    def __init__(self) -> None:
        how = {"key_derivation": self.key_derivation, "digest_method": DIGEST}
        self._signing = Signing(self.salt, **how)

    def get_signing_serializer(self, app: Flask) -> Serializer | None:
        """What signs cookies and reads them."""
        return self._signing.of(app)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a request; programs with a token send no cookie and get an empty one."""
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        serializer, cookie = self._signing.of(app), request.cookies.get(_name(request))
        if serializer is None:
            return None
        try:
            held = serializer.read(cookie, _lifetime(app)) if cookie else None
        except BadSignature:
            held = None
        return self.session_class(held)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Sets the cookie where the session changed; one that became empty goes as Flask does it.

        Its life is told in seconds, which need no calendar and no clock that is right.
        """
        serializer = self._signing.of(app)
        if not session or not session.modified or serializer is None:
            super().save_session(app, session, response)
            return
        life = f"; Max-Age={_lifetime(app)}" if session.permanent else ""
        only = "; Secure" if request.is_secure else ""
        cookie = f"{_name(request)}={serializer.dumps(dict(session))}{life}{only}"
        response.headers.add("Set-Cookie", f"{cookie}; HttpOnly; Path=/; SameSite=Lax")
        response.headers.add("Vary", "Cookie")

    def get_cookie_name(self, app: Flask) -> str:
        """Over HTTPS a name that browsers take from this very host alone, and over HTTPS only."""
        return _name(request)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether browsers send the cookie over HTTPS only."""
        return request.is_secure


def _name(request: Request) -> str:
    return f"__Host-{COOKIE}" if request.is_secure else COOKIE


def _lifetime(app: Flask) -> int:
    return int(app.permanent_session_lifetime.total_seconds())
