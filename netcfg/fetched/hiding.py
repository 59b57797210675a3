"""A configuration as it may be kept and shown: without what differs at each look, and with its secrets hidden.

A secret is replaced by a tag that says whether two are equal and, without the key, nothing else: who has the file and
not the key cannot try passwords against it.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Iterator
from pathlib import Path

from inventory.configured.facts import HIDDEN_SECRET, SECRET
from inventory.plain import plain
from inventory.secrecy import masked, tells_secret
from netcfg.fetched.language import Language
from netcfg.guards.texts import legible

_KEY_BYTES = 32


class Hiding:
    """Hides secrets with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.name = hashlib.sha256(key).hexdigest()[:8]
        """By which a key is known and which tells nothing of it."""

    def kept(self, language: Language, configuration: str) -> str:
        """Return the text of a configuration that may be kept."""
        return "".join(f"{line}\n" for line in self._lines(language, configuration))

    @staticmethod
    def tagless(text: str) -> str:
        """Return a kept text whose secrets are all alike, to be compared with one that another key has hidden."""
        return HIDDEN_SECRET.sub(SECRET.format(tag="-"), text)

    def _lines(self, language: Language, configuration: str) -> Iterator[str]:
        head, volatile = re.compile(language.head), re.compile(language.volatile)
        begun = False
        for line in self._spanned(language, plain(legible(configuration))).splitlines():
            begun = begun or head.match(line) is None
            if begun and volatile.match(line.strip()) is None:
                yield self._hidden(language, line.rstrip())

    def _spanned(self, language: Language, text: str) -> str:
        patterns = list(language.spanning)
        if language.constants is not None:
            names = dict.fromkeys(re.findall(language.constants.use, text))
            patterns += [language.constants.define.format(name=re.escape(name)) for name in names]
        for pattern in patterns:
            text = re.sub(pattern, self._replaced, text)
        return text

    def _replaced(self, found: re.Match[str]) -> str:
        whole, start = found[0], found.start()
        return whole[: found.start(2) - start] + self._tag(found[2]) + whole[found.end(2) - start :]

    def _hidden(self, language: Language, line: str) -> str:
        words = line.lstrip()
        indent = line[: len(line) - len(words)]
        for pattern in language.secrets:
            found = re.match(pattern, words)
            if found is not None:
                return indent + words[: found.start(2)] + self._tag(found[2]) + words[found.end(2) :]
        for pattern in language.texts:
            if _looks_secret(words):
                words = re.sub(pattern, self._replaced, words)
        # Whatever looks like a secret and has no pattern goes as a whole, but for the word that says what it is.
        if _looks_secret(words):
            first, _, rest = words.partition(" ")
            return f"{indent}{first} {self._tag(rest)}" if rest else indent + self._tag(words)
        return indent + words

    def _tag(self, secret: str) -> str:
        if HIDDEN_SECRET.fullmatch(secret):
            return secret
        return SECRET.format(tag=hmac.new(self._key, secret.strip().encode(), hashlib.sha256).hexdigest()[:8])


def _looks_secret(words: str) -> bool:
    open_words = HIDDEN_SECRET.sub("", words)
    return masked(open_words) != open_words or tells_secret(open_words)


def hiding_in(folder: Path) -> Hiding:
    """Return what hides secrets with the key of a folder, which is made where there is none yet."""
    file = folder / "hiding.key"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = file.with_name(f"{file.name}.{os.getpid()}")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(os.urandom(_KEY_BYTES))
        try:
            os.link(scratch, file)
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
    return Hiding(file.read_bytes())
