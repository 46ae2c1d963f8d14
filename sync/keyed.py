"""A secret key made into digests and permutations, one domain for each meaning."""

import hashlib
import secrets

from sync.digests import Digest, Permutation
from sync.errors import UnusableKey
from sync.threads import Soon

LEAST_CHARACTERS = 16
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Base 32 without 0, 1, l and o, which people mix up."""

OF_THIS_PROCESS = secrets.token_bytes(32)
MOST_KNOWN = 4
_KNOWN: dict[bytes, bytes] = {}

PAIRS = [ALPHABET[number & 31] + ALPHABET[number >> 5] for number in range(1024)]


class Key:
    """What an installation's secret is made into; the secret itself is not kept.

    A slow hash stands between the secret and all else, so that guessing a weak one costs.
    """

    def __init__(self, secret: str) -> None:
        if len(secret.strip()) < LEAST_CHARACTERS:
            raise UnusableKey(
                f"the anonymisation key must have at least {LEAST_CHARACTERS} characters; make one "
                "with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        self._making = Soon(lambda: _once(secret.strip().encode()))

    @classmethod
    def lent(cls, root: bytes) -> "Key":
        """The key of another process of this run, from what it lent."""
        key = cls.__new__(cls)
        key._making = Soon(lambda: root)
        return key

    @property
    def _root(self) -> bytes:
        return self._making.get()

    def lend(self) -> bytes:
        """What another process of this run makes the same key of; for its memory alone."""
        return self._root

    def __repr__(self) -> str:
        return "Key(…)"

    def __reduce__(self) -> str:
        raise TypeError("a key is not to be written anywhere")

    @property
    def fingerprint(self) -> str:
        """Tells one key from another, and nothing about it."""
        return hashlib.blake2b(b"fingerprint", key=self._root, digest_size=8).hexdigest()

    def sub_key(self, domain: str) -> bytes:
        """The key of one domain: 32 bytes that tell nothing about those of others."""
        return hashlib.blake2b(domain.encode(), key=self._root, digest_size=32).digest()

    def digest(self, domain: str) -> Digest:
        """A function from text to 128 bits, of its own in each domain."""
        return Digest(self.sub_key(domain))

    def permutation(self, domain: str) -> Permutation:
        """A permutation of all digit strings of one length, another one for each tweak."""
        return Permutation(self.digest(f"permutation {domain}"))


def _once(secret: bytes) -> bytes:
    """The slow hash, made once for each of a process's few latest secrets.

    They are known again by a digest that no other process could make.
    """
    which = hashlib.blake2b(secret, key=OF_THIS_PROCESS, digest_size=32).digest()
    made = _KNOWN.get(which)
    if made is None:
        made = _KNOWN[which] = _slowly(secret)
        while len(_KNOWN) > MOST_KNOWN:
            _KNOWN.pop(next(iter(_KNOWN)), None)
    return made


def _slowly(secret: bytes) -> bytes:
    return hashlib.scrypt(secret, salt=b"prompt-repo sync 2", n=2**14, r=8, p=1, dklen=32)


def suffix(number: int, characters: int = 12) -> str:
    """Letters and digits out of a digest, five bits each: twelve hold 60 bits."""
    if characters == 12:
        return "".join([PAIRS[(number >> place) & 1023] for place in (0, 10, 20, 30, 40, 50)])
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in range(characters))
