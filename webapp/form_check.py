"""The check of forms: Flask-WTF's own, by a signer that stands ready.

Flask-WTF makes a signer for every form and works out its key anew. A form that is in order is seen
to be so here; any other goes Flask-WTF's way, which alone says what is wrong with it.
"""

import hmac

from flask import Flask, current_app, request, session
from flask_wtf.csrf import CSRFProtect
from itsdangerous import BadData

from webapp.sessions import Signing

FIELD, SALT = "csrf_token", "wtf-csrf-token"  # Flask-WTF's


class FormCheck(CSRFProtect):  # type: ignore[misc]
    """Lets forms through that a page of this session sent."""

    def __init__(self, app: Flask) -> None:
        self._signing = Signing(SALT)
        super().__init__(app)

    def protect(self, apply_exemptions: bool = False) -> None:
        """Raises CSRFError for any other."""
        if not (self._is_of_this_session() and _is_from_here()):
            super().protect(apply_exemptions)

    def _is_of_this_session(self) -> bool:
        held, given = session.get(FIELD), self._get_csrf_token()
        serializer = self._signing.of(current_app)
        if not held or not given or serializer is None:
            return False
        try:
            return hmac.compare_digest(held, serializer.read(given))
        except BadData:
            return False


def _is_from_here() -> bool:
    """Over HTTPS browsers must tell the page that a form stood on."""
    page = request.referrer or ""
    return not request.is_secure or page.startswith(f"https://{request.host}/")
