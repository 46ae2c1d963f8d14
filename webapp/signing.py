"""How webhooks are signed: HMAC-SHA256 as Standard Webhooks lays it down.

A secret is made of the server's own key and a nonce that is kept with the webhook, so that who
reads the records alone can't sign.
"""

import base64
import hashlib
import hmac

PREFIX = "whsec_"


def secret_of(key: str, nonce: bytes) -> str:
    """A webhook's secret, as it is shown once and as libraries of Standard Webhooks take it."""
    digest = hmac.digest(key.encode(), b"webhook " + nonce, hashlib.sha256)
    return PREFIX + base64.b64encode(digest).decode()


def signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: over the message's id, its time, and the body."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
