"""Configurations of devices that a run keeps: sealed, because passwords of neighbours and of people stand in them."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from netcfg.guards.texts import data_of, text_of

_MARK = b"zhenghe sealed 1\n"
_NONCE, _KEY = 12, 32


class KeptConfigurations:
    """Texts by names, as files below a folder; the key lies elsewhere, so that a copy of the folder tells nothing."""

    def __init__(self, home: Path, key_file: Path) -> None:
        """Remember where; folder and key are made with the first text."""
        self._home = home
        self._key_file = key_file

    def write(self, name: str, text: str) -> None:
        """Keep a text whole or not at all, so that it is there after a power cut."""
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(self._key()).encrypt(nonce, data_of(text), name.encode())
        _write(self._home / name, _MARK + nonce + sealed)

    def names(self) -> tuple[str, ...]:
        """Return the names of the texts that are kept."""
        found = (file.relative_to(self._home) for file in self._home.rglob("*.conf"))
        return tuple(sorted(str(name) for name in found))

    def read(self, name: str) -> str | None:
        """Return a text, none where nobody with this key kept one under this name."""
        try:
            kept, key = (self._home / name).read_bytes(), self._key_file.read_bytes()
        except FileNotFoundError:
            return None
        start = len(_MARK) + _NONCE
        try:
            opened = AESGCM(key).decrypt(kept[len(_MARK) : start], kept[start:], name.encode())
        except (InvalidTag, ValueError):
            return None
        return text_of(opened)

    def _key(self) -> bytes:
        with suppress(FileNotFoundError):
            return self._key_file.read_bytes()
        _write(self._key_file, secrets.token_bytes(_KEY))
        return self._key_file.read_bytes()


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = file.with_name(f"{file.name}.{secrets.token_hex(4)}.new")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
        sink.write(content)
        sink.flush()
        os.fsync(sink.fileno())
    scratch.replace(file)
