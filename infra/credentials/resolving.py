"""Resolves references to secrets; what comes out hides itself wherever it is printed, logged or dumped."""

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pydantic import SecretStr

from infra.credentials.errors import SecretMissing, SecretRefused, StoreUnreachable
from inventory.secrecy import Scheme, SecretReference, reference
from inventory.words import _

LONGEST = 64 * 1024
"""Bytes; no secret is longer."""


class Resolver:
    """Looks secrets up where they are kept, as an environment says; keeps none of them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._readers: dict[Scheme, Callable[[SecretReference], str]] = {
            "env": self._of_environment,
            "file": _of_file,
            "keyring": _of_keyring,
            "vault": self._of_vault,
        }

    def resolve(self, wanted: SecretReference) -> SecretStr:
        """Return a secret, whose text only get_secret_value() gives; a SecretError where it cannot be had."""
        return SecretStr(self._readers[wanted.scheme](wanted))

    def _of_environment(self, wanted: SecretReference) -> str:
        if value := self._environment.get(wanted.place):
            return value
        raise SecretMissing(wanted, _("the environment has no such variable"))

    def _of_vault(self, wanted: SecretReference) -> str:
        # Imported when it is needed: hvac takes longer than most commands.
        from infra.credentials.vault import VaultSettings, read_vault  # noqa: PLC0415

        said = self._environment
        if not (address := said.get("VAULT_ADDR")):
            raise StoreUnreachable(wanted, _("VAULT_ADDR does not say which server to ask"))
        settings = VaultSettings(
            address=address,
            token_file=Path(said.get("HOME", "/root")) / ".vault-token",
            namespace=said.get("VAULT_NAMESPACE") or None,
            authority=Path(said["VAULT_CACERT"]) if said.get("VAULT_CACERT") else None,
        )
        return read_vault(wanted, settings, said.get("VAULT_TOKEN"))


_OF_VAULT = ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_CACERT")
OPERATOR_HOME = "ZHENGHE_OPERATOR_HOME"
"""Where the user's own files are, for processes that have another home."""


def variables(wanted: Iterable[SecretReference], environment: Mapping[str, str]) -> dict[str, str]:
    """Return of an environment what a process needs that looks these secrets up, and nothing else."""
    found = tuple(wanted)
    names = {one.place for one in found if one.scheme == "env"}
    names |= set(_OF_VAULT) if any(one.scheme == "vault" for one in found) else set()
    home = {OPERATOR_HOME: environment["HOME"]} if found and "HOME" in environment else {}
    return {**{name: environment[name] for name in sorted(names) if name in environment}, **home}


def resolved_here(text: str) -> str:
    """Look a secret up by its reference, with what this process has been given for it; a SecretError."""
    home = os.environ.get(OPERATOR_HOME)
    environment = {**os.environ, **({"HOME": home} if home else {})}
    return Resolver(environment).resolve(reference(text)).get_secret_value()


def _of_keyring(wanted: SecretReference) -> str:
    from infra.credentials.keyrings import read_keyring  # noqa: PLC0415

    return read_keyring(wanted)


def _of_file(wanted: SecretReference) -> str:
    """Return the text of a file without the end of its last line; others than its owner and group must not read it."""
    try:
        with open(wanted.place, "rb", opener=_opened) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SecretMissing(wanted, _("this is no regular file"))
            if status.st_mode & stat.S_IROTH:
                raise SecretRefused(wanted, _("everybody may read it; take that right away: chmod o-rwx"))
            text = file.read(LONGEST + 1).decode()
    except OSError as exc:
        kind = SecretMissing if isinstance(exc, FileNotFoundError | NotADirectoryError) else SecretRefused
        raise kind(wanted, _("it cannot be read: {said}").format(said=exc.strerror)) from exc
    except UnicodeDecodeError:
        # Not `from` it: that error carries the bytes.
        raise SecretMissing(wanted, _("this is not UTF-8 text")) from None
    value = text.removesuffix("\n")
    if not value or len(text) > LONGEST:
        raise SecretMissing(wanted, _("it is empty, or longer than a secret is"))
    return value


def _opened(path: str, flags: int) -> int:
    # A named pipe would keep us waiting for who writes to it.
    return os.open(path, flags | os.O_NONBLOCK)
