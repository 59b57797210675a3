"""Secrets in Vault or OpenBao: the key-value store of version 2, over hvac, which nothing else imports."""

from pathlib import Path
from typing import Any

import hvac
from hvac.exceptions import Forbidden, InvalidPath, Unauthorized, VaultError
from requests.exceptions import RequestException

from infra.credentials.errors import SecretMissing, SecretRefused, StoreUnreachable
from inventory.base import Model
from inventory.secrecy import SecretReference
from inventory.words import _

TIMEOUT = 10
"""Seconds that one answer may take."""


class VaultSettings(Model):
    """Which server, and what is shown to it; the token is read from its file each time that a secret is."""

    address: str
    token_file: Path
    namespace: str | None = None
    authority: Path | None = None
    """The certificate of its authority; none: those of the system."""


def read_vault(wanted: SecretReference, settings: VaultSettings, token: str | None = None) -> str:
    """Return a secret of a Vault server; `token` instead of the file's where it is given.

    SecretMissing, SecretRefused or StoreUnreachable where it cannot be had.
    """
    mount, _slash, path = wanted.place.partition("/")
    client = hvac.Client(
        url=settings.address,
        token=token or _token(wanted, settings.token_file),
        namespace=settings.namespace,
        verify=str(settings.authority) if settings.authority is not None else True,
        timeout=TIMEOUT,
    )
    try:
        answer = client.secrets.kv.v2.read_secret_version(path=path, mount_point=mount, raise_on_deleted_version=True)
    except InvalidPath as exc:
        raise SecretMissing(wanted, _("the server has no such secret")) from exc
    except (Forbidden, Unauthorized) as exc:
        raise SecretRefused(wanted, _("the server does not let this token read it")) from exc
    except (VaultError, RequestException, ValueError) as exc:
        reason = _("the server at {address} does not answer as it should ({error})")
        told = reason.format(address=settings.address, error=type(exc).__name__)
        raise StoreUnreachable(wanted, told) from exc
    finally:
        client.adapter.close()
    return _value(wanted, answer)


def _token(wanted: SecretReference, file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as exc:
        reason = _("there is no token to show: set VAULT_TOKEN, or log in so that {file} has one").format(file=file)
        raise StoreUnreachable(wanted, reason) from exc


def _value(wanted: SecretReference, answer: Any) -> str:
    """Return the value of the wanted key; of the only one where none is named."""
    try:
        values = dict(answer["data"]["data"])
    except (KeyError, TypeError, ValueError) as exc:
        reason = _("the answer is not one of a key-value store of version 2")
        raise StoreUnreachable(wanted, reason) from exc
    if not wanted.key and len(values) != 1:
        keys = ", ".join(sorted(values))
        raise SecretMissing(wanted, _("name one of its keys after a '#': {keys}").format(keys=keys))
    value = values.get(wanted.key or next(iter(values)))
    if not isinstance(value, str) or not value:
        raise SecretMissing(wanted, _("it has no text under this key"))
    return value
