"""An OpenID Connect provider for tests: a real HTTP server that checks what its client sends.

It signs by real keys, knows each code once, and insists on PKCE by S256. A test bends it by its
fields: `claims` and `userinfo` are what it says of the one who logs in, `header` and `key` how it
signs, `answers` what it says at a path instead of the right thing.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "prompts", "between-the-two-of-us"
Key = RSAKey | ECKey
Answer = tuple[int, bytes]


def rsa() -> RSAKey:
    """A new key, with an id."""
    return RSAKey.generate_key(2048, {"kid": secrets.token_hex(4)})


@cache
def usual() -> RSAKey:
    """The key of providers that have no reason for another; making one takes a while."""
    return rsa()


@dataclass
class Grant:
    """What a code was given for."""

    challenge: str
    nonce: str
    redirect_uri: str


@dataclass
class Provider:
    """The provider's state, and all that a test may bend."""

    issuer: str = ""
    key: Key = field(default_factory=usual)
    claims: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    userinfo: dict[str, Any] | None = None
    header: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    grants: dict[str, Grant] = field(default_factory=dict)
    access: set[str] = field(default_factory=set)

    def describe(self) -> dict[str, Any]:
        """The metadata."""
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        }
        if self.userinfo is not None:
            found["userinfo_endpoint"] = f"{self.issuer}/userinfo"
        return found | self.metadata

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent after the person has logged in here."""
        assert query["client_id"] == CLIENT
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        assert len(query["state"]) >= 16
        assert len(query["nonce"]) >= 16
        code = secrets.token_urlsafe(16)
        self.grants[code] = Grant(query["code_challenge"], query["nonce"], query["redirect_uri"])
        answer = urlencode({"code": code, "state": query["state"], "iss": self.issuer})
        return f"{query['redirect_uri']}?{answer}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Gives tokens for a code: once, to the right client, for the right verifier."""
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if authorization != f"Basic {expected}":
            return 401, {"error": "invalid_client"}
        grant = self.grants.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            grant is None
            or _base64(digest) != grant.challenge
            or form["redirect_uri"] != grant.redirect_uri
        ):
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(16)
        self.access.add(access)
        said = {"access_token": access, "token_type": "Bearer", "expires_in": 60}
        return 200, said | {"id_token": self.id_token(grant.nonce)}

    def id_token(self, nonce: str) -> str:
        """What this provider says of who has logged in, signed."""
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": nonce}
        said |= self.claims
        said = {name: value for name, value in said.items() if name not in self.without}
        if self.sign is not None:
            return self.sign(said)
        algorithm = "ES256" if isinstance(self.key, ECKey) else "RS256"
        header = {"alg": algorithm, "kid": self.key.kid, **self.header}
        return jwt.encode(header, said, self.key, algorithms=[header["alg"]])

    def jwks(self) -> dict[str, Any]:
        """The public half of the key."""
        return {"keys": [self.key.as_dict(private=False)]}


def unsigned(said: dict[str, Any]) -> str:
    """A token by the algorithm `none`."""
    return _parts({"alg": "none", "typ": "JWT"}, said) + "."


def by_secret(secret: bytes) -> Callable[[dict[str, Any]], str]:
    """Signs by a shared secret, as anybody can who knows it."""

    def sign(said: dict[str, Any]) -> str:
        parts = _parts({"alg": "HS256", "typ": "JWT"}, said)
        return f"{parts}.{_base64(hmac.digest(secret, parts.encode(), 'sha256'))}"

    return sign


def _parts(*parts: dict[str, Any]) -> str:
    return ".".join(_base64(json.dumps(each).encode()) for each in parts)


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider behind a real socket."""
    state = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            where = urlsplit(self.path)
            query = {name: found[0] for name, found in parse_qs(where.query).items()}
            if where.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", state.authorize(query))
                self.end_headers()
            elif where.path == "/userinfo":
                known = self.headers["Authorization"].removeprefix("Bearer ") in state.access
                self._json(200 if known else 401, state.userinfo)
            elif where.path == "/jwks":
                self._json(200, state.jwks())
            else:
                self._json(200, state.describe())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: found[0] for name, found in parse_qs(body).items()}
            self._json(*state.token(form, self.headers.get("Authorization", "")))

        def _json(self, status: int, said: object) -> None:
            path = urlsplit(self.path).path
            state.asked.append(path)
            status, body = state.answers.get(path, (status, json.dumps(said).encode()))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
