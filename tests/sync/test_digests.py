"""Digests and permutations are the standard's, and the same one by one and in columns."""

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from sync import keyed
from sync.keyed import ALPHABET, Key, suffix

KEY = Key("a key of these digests")
DIGEST, PERMUTATION = KEY.digest("a domain"), KEY.permutation("a domain")


@given(message=st.binary(max_size=200))
def test_a_digest_is_aes_cmac(message: bytes) -> None:
    """As the library that holds RFC 4493 makes it."""
    theirs = CMAC(AES(KEY.sub_key("a domain")))
    theirs.update(message)

    assert int.from_bytes(theirs.finalize(), "big") == DIGEST.of_bytes(message)


@given(
    messages=st.lists(
        st.one_of(st.binary(max_size=70), st.binary(min_size=1000, max_size=1500)),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_a_column_of_digests_is_each_of_them(messages: list[bytes]) -> None:
    """However long or short the texts are that stand side by side."""
    content = np.frombuffer(b"".join(messages), np.uint8)
    sizes = np.array([len(each) for each in messages], np.int64)

    high, low = DIGEST.of_column(content, np.cumsum(sizes) - sizes, sizes)

    made = [a << 64 | b for a, b in zip(high.tolist(), low.tolist(), strict=True)]
    assert [DIGEST.of_bytes(each) for each in messages] == made


@given(digits=st.from_regex(r"[0-9]{1,25}", fullmatch=True), tweak=st.sampled_from(["", "44"]))
def test_a_column_of_permuted_digits_is_each_of_them(digits: str, tweak: str) -> None:
    """Also of a single digit, and of more than numpy's numbers hold."""
    row = np.array([[int(each) for each in digits]], np.uint8)
    tweaks = np.frombuffer(tweak.encode(), np.uint8).reshape(1, len(tweak))

    made = PERMUTATION.of_rows(row, tweaks)

    assert PERMUTATION(digits, tweak) == "".join(map(str, made[0].tolist()))


def test_all_numbers_of_a_length_are_permuted() -> None:
    """A million strings of six digits come to a million others."""
    numbers = np.arange(10**6)
    digits = np.stack([numbers // 10**place % 10 for place in range(5, -1, -1)], 1)

    made = PERMUTATION.of_rows(digits.astype(np.uint8), np.empty((10**6, 0), np.uint8))

    assert 10**6 == len(np.unique(made @ 10 ** np.arange(5, -1, -1)))


@pytest.mark.slow
def test_twelve_million_emails_share_no_end() -> None:
    """The sixty bits at the end of a fake email never met among twelve million."""
    ends = []
    for start in range(0, 12_000_000, 100_000):
        numbers = np.arange(start, start + 100_000)
        digits = np.stack([numbers // 10**place % 10 for place in range(7, -1, -1)], 1) + ord("0")
        beside = np.frombuffer(b"user@corp.test", np.uint8)
        texts = np.hstack([np.tile(beside, (len(digits), 1)), digits.astype(np.uint8)])
        _, low = KEY.digest("email").of_rows(texts)
        ends.append(low & np.uint64(2**60 - 1))

    assert 12_000_000 == len(np.unique(np.concatenate(ends)))


@given(number=st.integers(0, 2**128 - 1))
def test_an_end_holds_sixty_bits(number: int) -> None:
    """Twelve letters, five bits each, by which the number's end can be told."""
    end = suffix(number)

    assert number % 2**60 == sum(ALPHABET.index(each) << 5 * n for n, each in enumerate(end))


def test_the_slow_hash_is_made_once_for_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the latest few a process knows the outcome; each secret has its own."""
    made = []

    def slowly(secret: bytes) -> bytes:
        made.append(secret)
        return secret[:32]

    monkeypatch.setattr(keyed, "_slowly", slowly)
    secrets = [f"secret number {number} of these" for number in range(keyed.MOST_KNOWN + 2)]
    prints = [Key(secret).fingerprint for secret in [*secrets, secrets[-1], f" {secrets[-1]} "]]

    assert [secret.encode() for secret in secrets] == made
    assert len(secrets) == len({*prints})
