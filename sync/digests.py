"""AES-CMAC (RFC 4493) of one text or of many at once, and the permutations of digits made of it.

One at a time and in columns the digests are the same. In columns, block after block of all texts
goes through AES in one call, which costs a tenth.
"""

from collections.abc import Sequence

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

ROUNDS = 8
BLOCK = 16
MOST_BLOCKS = 64
"""Texts of more blocks are digested one at a time."""
MOST_DIGITS = 18
"""Longer strings of digits are permuted one at a time."""

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.uint64]


class Digest:
    """A keyed function from text to 128 bits; AES-CMAC under a key of its own."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305
        self._one = self._cipher.encryptor().update
        first = int.from_bytes(self._one(bytes(BLOCK)), "big")
        self._whole = _doubled(first)
        self._padded = _doubled(self._whole)

    def __call__(self, text: str) -> int:
        """The digest of a text."""
        return self.of_bytes(text.encode("utf-8", "surrogatepass"))

    def of_bytes(self, message: bytes) -> int:
        """The digest of some bytes."""
        read, state = int.from_bytes, 0
        while len(message) > BLOCK:
            state = read(
                self._one((state ^ read(message[:BLOCK], "big")).to_bytes(16, "big")), "big"
            )
            message = message[BLOCK:]
        if len(message) == BLOCK:
            state ^= read(message, "big") ^ self._whole
        else:
            state ^= read((message + b"\x80").ljust(BLOCK, b"\0"), "big") ^ self._padded
        return read(self._one(state.to_bytes(BLOCK, "big")), "big")

    def of_rows(self, messages: Bytes) -> tuple[Numbers, Numbers]:
        """The digests of the rows of a matrix, all of one length: high and low halves."""
        count, size = messages.shape
        blocks = max(1, -(-size // BLOCK))
        filled = np.zeros((count, blocks * BLOCK), np.uint8)
        filled[:, :size] = messages
        if size < blocks * BLOCK:
            filled[:, size] = 0x80
        whole = size == blocks * BLOCK
        return self._chained(filled, np.full(count, whole))

    def of_column(
        self, content: Bytes, starts: NDArray[np.int64], sizes: NDArray[np.int64]
    ) -> tuple[Numbers, Numbers]:
        """The digests of many texts, which lie one behind the other in `content`."""
        high, low = np.empty(len(starts), np.uint64), np.empty(len(starts), np.uint64)
        blocks = np.maximum(1, -(-sizes // BLOCK))
        for number in np.unique(blocks):
            places = np.flatnonzero(blocks == number)
            begins, lengths = starts[places], sizes[places]
            if number > MOST_BLOCKS:
                for place, begin, length in zip(places, begins, lengths, strict=True):
                    made = self.of_bytes(content[begin : begin + length].tobytes())
                    high[place], low[place] = made >> 64, made & 0xFFFFFFFFFFFFFFFF
                continue
            high[places], low[places] = self._group(content, begins, lengths, int(number))
        return high, low

    def of_texts(self, texts: Sequence[str]) -> tuple[Numbers, Numbers]:
        """The digests of texts: high and low halves."""
        encoded = [each.encode("utf-8", "surrogatepass") for each in texts]
        sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
        content = np.frombuffer(b"".join(encoded), np.uint8)
        return self.of_column(content, np.cumsum(sizes) - sizes, sizes)

    def _group(
        self, content: Bytes, starts: NDArray[np.int64], sizes: NDArray[np.int64], blocks: int
    ) -> tuple[Numbers, Numbers]:
        width = blocks * BLOCK
        padded = np.zeros(len(content) + width, np.uint8)
        padded[: len(content)] = content
        filled = np.lib.stride_tricks.sliding_window_view(padded, width)[starts]
        kept = np.tri(width + 1, width, -1, dtype=np.uint8) * np.uint8(255)
        ended = np.eye(width + 1, width, dtype=np.uint8) * np.uint8(0x80)
        wide = (len(filled), width // 8)
        words = filled.view(np.uint64).reshape(wide)
        words &= kept.view(np.uint64)[sizes]
        words |= ended.view(np.uint64)[sizes]
        return self._chained(filled, sizes == width)

    def _chained(self, filled: Bytes, whole: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
        """CBC over the blocks of each row, which are padded already."""
        count, width = filled.shape
        words = filled.view(np.uint64).reshape(count, width // 8)
        masks = np.frombuffer(
            self._padded.to_bytes(BLOCK, "big") + self._whole.to_bytes(BLOCK, "big"), np.uint64
        ).reshape(2, 2)
        words[:, -2:] ^= masks[whole.astype(np.intp)]
        state = np.zeros((count, 2), np.uint64)
        encrypted = self._cipher.encryptor().update
        for at in range(0, width // 8, 2):
            state ^= words[:, at : at + 2]
            state = np.frombuffer(encrypted(state.tobytes()), np.uint64).reshape(count, 2)
            state = state.copy() if at + 2 < width // 8 else state
        made = state.astype(np.uint64) if state.dtype.byteorder == ">" else state.byteswap()
        return made[:, 0], made[:, 1]


def _doubled(number: int) -> int:
    """Twice a number in GF(2^128), as RFC 4493 makes its two sub-keys."""
    twice = number << 1 & (1 << 128) - 1
    return twice ^ 0x87 if number >> 127 else twice


def modulo(high: Numbers, low: Numbers, size: int) -> Numbers:
    """The remainder of 128 bits by a number below 2**31."""
    by = np.uint64(size)
    return ((high % by) * np.uint64(2**64 % size) + low % by) % by


class Permutation:
    """A permutation of all digit strings of one length, another one for each tweak.

    An alternating Feistel network: two strings never come to the same one.
    """

    def __init__(self, digest: Digest) -> None:
        self._digest = digest

    def __call__(self, digits: str, tweak: str = "") -> str:
        """The digits that one string of digits comes to."""
        size = len(digits)
        if size == 1:
            order = sorted(range(10), key=lambda each: self._digest(f"{tweak}|{each}"))
            return str(order[int(digits)])
        left, right = int(digits[: size // 2]), int(digits[size // 2 :])
        sizes = size // 2, size - size // 2
        for number in range(ROUNDS):
            mixed = self._digest(f"{tweak}|{size}|{number}|{right:0{sizes[1]}d}")
            left, right = right, (left + mixed) % 10 ** sizes[0]
            sizes = sizes[1], sizes[0]
        return f"{left:0{sizes[0]}d}{right:0{sizes[1]}d}"

    def of_rows(self, digits: Bytes, tweaks: Bytes) -> Bytes:
        """The same for the rows of a matrix of digits (0 to 9), each with its tweak's bytes."""
        count, size = digits.shape
        if size == 0:
            return digits
        if size == 1 or size > MOST_DIGITS:
            return self._singly(digits, tweaks)
        left, right = _number(digits[:, : size // 2]), _number(digits[:, size // 2 :])
        sizes = size // 2, size - size // 2
        for turn in range(ROUNDS):
            fixed = np.frombuffer(f"|{size}|{turn}|".encode(), np.uint8)
            middle = np.broadcast_to(fixed, (count, len(fixed)))
            ending = _digits(right, sizes[1]) + ord("0")
            high, low = self._digest.of_rows(np.hstack([tweaks, middle, ending]))
            size_of_left = 10 ** sizes[0]
            moved = (left + modulo(high, low, size_of_left)) % np.uint64(size_of_left)
            left, right = right, moved
            sizes = sizes[1], sizes[0]
        return np.hstack([_digits(left, sizes[0]), _digits(right, sizes[1])])

    def _singly(self, digits: Bytes, tweaks: Bytes) -> Bytes:
        made = [
            self("".join(map(str, row)), tweak.tobytes().decode())
            for row, tweak in zip(digits.tolist(), tweaks, strict=True)
        ]
        return np.array([[int(each) for each in row] for row in made], np.uint8).reshape(
            digits.shape
        )


def _number(digits: Bytes) -> Numbers:
    made = np.zeros(len(digits), np.uint64)
    for place in range(digits.shape[1]):
        made = made * np.uint64(10) + digits[:, place]
    return made


def _digits(numbers: Numbers, width: int) -> Bytes:
    made = np.empty((len(numbers), width), np.uint8)
    rest = numbers
    for place in range(width - 1, -1, -1):
        made[:, place] = rest % np.uint64(10)
        rest = rest // np.uint64(10)
    return made
