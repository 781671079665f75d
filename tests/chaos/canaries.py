"""Secrets that no file and no stream may ever show, in any of the forms they take on the way."""

from __future__ import annotations

import base64
import json
import random
import string
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path

ODD = "\"&+/=%ñ'"
"""What other forms spell otherwise; all of it can stand in a header of HTTP."""

OURS = frozenset({"config.json"})
"""Files that hold secrets because the user wrote them there."""


def canary(chance: random.Random, odd: str = ODD) -> str:
    """Make a secret that is found nowhere by chance, with one of some odd characters in it."""
    letters = "".join(chance.choices(string.ascii_letters + string.digits, k=14))
    place = chance.randrange(4, 10)
    return f"{letters[:place]}{chance.choice(odd)}{letters[place:]}"


def forms(secret: str) -> set[bytes]:
    """Give the forms in which a secret could leak."""
    texts = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    texts |= {urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}
    found = {text.encode(charset, "replace") for text in texts for charset in ("utf-8", "latin-1")}
    return found | {base64.b64encode(secret.encode()), secret.encode("utf-16-le")}


def basic(user: str, password: str) -> str:
    """Give the pair as HTTP Basic sends it, which is a secret too."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def leaks(secrets: Iterable[str], folder: Path, **texts: bytes) -> Iterator[str]:
    """Look for secrets.

    Args:
        secrets: what must not be found.
        folder: whose files are searched, those below it too.
        texts: further places by name.

    Yields:
        the place of each secret that was found, and which it is.
    """
    places = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    contents = {name: path.read_bytes() for name, path in places.items() if path.name not in OURS}
    contents |= texts
    for number, secret in enumerate(secrets):
        for form in forms(secret):
            for name, content in contents.items():
                if form in content:
                    yield f"secret {number} is in {name} as {form!r}"
