"""Crockford's base 32, for what people read, write down and type: digits and letters without I, L, O and U.

https://www.crockford.com/base32.html
"""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOK_ALIKES = str.maketrans("OIL", "011")


def random_letters(count: int) -> str:
    """Five random bits a letter."""
    return "".join(secrets.choice(ALPHABET) for _ in range(count))


def letters_of(number: int, count: int) -> str:
    """The lowest 5 · `count` bits of a number, lowest letter first."""
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(count))


def as_meant(written: str) -> str:
    """In capitals, with the look-alikes O, I and L read as the digits they resemble."""
    return written.upper().translate(_LOOK_ALIKES)


def grouped(letters: str, size: int = 4) -> str:
    """In groups with dashes between, as people read them."""
    return "-".join(letters[start : start + size] for start in range(0, len(letters), size))
