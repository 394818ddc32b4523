"""Who is signed in: a signed cookie for browsers, the password itself for scripts."""

import base64
import hashlib
import hmac
from enum import Enum, auto
from typing import Final

from itsdangerous import BadSignature, TimestampSigner
from starlette.requests import HTTPConnection
from starlette.responses import Response

from racing_coach_server.web.security.tries import Tries
from racing_coach_server.web_settings import WebSettings

COOKIE: Final = "racing-coach"
_SIGNED_IN: Final = "signed in"
_ROUNDS: Final = 200_000
_DAY_S: Final = 86_400


class Standing(Enum):
    """What is known of who asks."""

    SIGNED_IN = auto()
    UNKNOWN = auto()
    WRONG_PASSWORD = auto()
    TOO_MANY_TRIES = auto()


class Sessions:
    """Signs in and knows again. Without a password, everybody is signed in.

    The cookie is signed with a key that follows from the password, so another password signs everybody out, and a
    restart nobody. To guess the password by it takes as long a guess as the key takes to make, 50 ms.
    """

    def __init__(self, settings: WebSettings) -> None:
        self.tries = Tries()
        self._lasts_s = settings.session_days * _DAY_S
        self._digest: bytes | None = None
        if settings.password is not None:
            password = settings.password.get_secret_value().encode()
            self._digest = hashlib.sha256(password).digest()
            self._signer = TimestampSigner(hashlib.pbkdf2_hmac("sha256", password, b"racing-coach web", _ROUNDS))

    @property
    def needs_password(self) -> bool:
        """Whether one has to sign in."""
        return self._digest is not None

    def standing(self, connection: HTTPConnection) -> Standing:
        """Whether who asks is signed in, by cookie or by authorisation header."""
        if not self.needs_password or self._has_cookie(connection):
            return Standing.SIGNED_IN
        given = given_password(connection.headers.get("authorization", ""))
        return Standing.UNKNOWN if given is None else self.try_password(given, connection)

    def try_password(self, given: str, connection: HTTPConnection) -> Standing:
        """Whether this is the password; a wrong one is counted."""
        address = address_of(connection)
        if self.tries.wait_s(address) > 0:
            return Standing.TOO_MANY_TRIES
        # Digests, since comparing in constant time says how long the password is.
        digest = hashlib.sha256(given.encode(errors="surrogatepass")).digest()
        if self._digest is None or not hmac.compare_digest(digest, self._digest):
            self.tries.failed(address)
            return Standing.WRONG_PASSWORD
        self.tries.succeeded(address)
        return Standing.SIGNED_IN

    def sign_in(self, response: Response, connection: HTTPConnection) -> None:
        """Give the browser its cookie."""
        response.set_cookie(
            COOKIE,
            self._signer.sign(_SIGNED_IN).decode(),
            max_age=int(self._lasts_s),
            httponly=True,
            samesite="strict",
            secure=connection.url.scheme == "https",
        )

    def sign_out(self, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")

    def _has_cookie(self, connection: HTTPConnection) -> bool:
        try:
            value = self._signer.unsign(connection.cookies.get(COOKIE, ""), max_age=int(self._lasts_s))
        except BadSignature:
            return False
        return value == _SIGNED_IN.encode()


def address_of(connection: HTTPConnection) -> str:
    """Where a request comes from; behind a proxy that is believed, what the proxy says."""
    return connection.client.host if connection.client is not None else ""


def given_password(authorization: str) -> str | None:
    """The password in an authorisation header, `Bearer` or `Basic` of any user; None if there is none.

    >>> given_password("Bearer secret"), given_password("Basic OnNlY3JldA=="), given_password("Digest x")
    ('secret', 'secret', None)
    """
    scheme, _, rest = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            try:
                return base64.b64decode(rest, validate=True).decode().partition(":")[2]
            except ValueError:  # no base64, no ASCII, no UTF-8
                return ""
        case _:
            return None
