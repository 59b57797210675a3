"""The connection to an OpenStack, over openstacksdk, which nothing else of the product imports.

clouds.yaml is found as OpenStack's own tools find it. A secret that is kept elsewhere is resolved for each connection.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.backends import BackendError
from infra.credentials.errors import SecretError
from infra.credentials.resolving import Resolver
from infra.worlds import CloudSettings
from inventory.plain import plain
from inventory.secrecy import reference
from inventory.words import _

_SECRETS = {"application_credential_secret": "OS_APPLICATION_CREDENTIAL_SECRET", "password": "OS_PASSWORD"}
"""Names in clouds.yaml, and in the environment of programs."""


def connect(settings: CloudSettings) -> Any:
    """Return a connection; BackendError where the cloud is in no clouds.yaml, or does not let us in."""
    from openstack.connection import Connection  # noqa: PLC0415 -- takes longer than most commands

    with translated(settings):
        known = {"app_name": "zhenghe", **_region(settings), **_secret(settings, _config(settings))}
        connection = Connection(config=_loader(settings).get_one(cloud=settings.endpoint, **known))
        connection.authorize()
        return connection


def environment(settings: CloudSettings) -> Mapping[str, str]:
    """Return what a program reads from its environment to be let in as we are: the file, and the secret itself."""
    config = _config(settings)
    secrets = {**config.config.get("auth", {}), **_secret(settings, config)}
    found = {variable: str(secrets[name]) for name, variable in _SECRETS.items() if secrets.get(name)}
    file = _file(settings)
    return found if file is None else {**found, "OS_CLIENT_CONFIG_FILE": str(file)}


def local_ports(settings: CloudSettings) -> Iterator[int]:
    """Yield the ports of this machine's loopback at which the cloud answers, as behind a tunnel; none for most clouds.

    The first is the identity service's; the others are asked of it, once that port may be used.
    """
    first = _local_port(str(_config(settings).config.get("auth", {}).get("auth_url", "")))
    if first is None:
        return
    yield first
    cloud = connect(settings)
    with translated(settings):
        access = cloud.session.auth.get_access(cloud.session)
        urls = [each["url"] for service in access.service_catalog.catalog for each in service["endpoints"]]
    cloud.close()
    yield from (port for url in urls if (port := _local_port(url)) is not None)


def _local_port(url: str) -> int | None:
    parts = urlsplit(url)
    return parts.port if parts.hostname in {"127.0.0.1", "localhost", "::1"} else None


@contextmanager
def translated(settings: CloudSettings) -> Iterator[None]:
    """Raise whatever goes wrong between us and the cloud as a BackendError in one sentence."""
    from keystoneauth1 import exceptions as login  # noqa: PLC0415 -- takes longer than most commands
    from openstack.exceptions import ConfigException, SDKException  # noqa: PLC0415

    try:
        yield
    except (login.ClientException, SDKException) as error:
        # The SDK wraps what goes wrong at the login.
        cause = error.__context__ if isinstance(error.__context__, login.ClientException) else error
        why = _("cloud {name}: {why}")
        if isinstance(cause, login.Unauthorized):
            why = _("cloud {name} does not let us in: renew what clouds.yaml or the secret's reference gives")
        elif isinstance(cause, login.ConnectFailure):
            why = _("cloud {name} does not answer ({why}): see that its address in clouds.yaml is reached from here")
        elif isinstance(cause, login.AuthPluginException):
            why = _("cloud {name}: a part of the login is missing ({why}): complete clouds.yaml or the world")
        elif isinstance(cause, ConfigException):
            why = _("cloud {name}: {why} It is looked for in {files}")
        files = ", ".join(_looked_at(settings))
        raise BackendError(why.format(name=settings.endpoint, why=_told(error), files=files)) from error
    except SecretError as error:
        raise BackendError(str(error)) from error


def _config(settings: CloudSettings) -> Any:
    with translated(settings):
        # Not validated: the secret may be what is missing there.
        return _loader(settings).get_one(cloud=settings.endpoint, validate=False, **_region(settings))


def _loader(settings: CloudSettings) -> Any:
    from openstack.config import OpenStackConfig  # noqa: PLC0415

    return OpenStackConfig(config_files=None if settings.file is None else [str(settings.file)])


def _looked_at(settings: CloudSettings) -> tuple[str, ...]:
    if settings.file is not None:
        return (str(settings.file),)
    given = os.environ.get("OS_CLIENT_CONFIG_FILE")
    return (given,) if given else ("./clouds.yaml", "~/.config/openstack/clouds.yaml", "/etc/openstack/clouds.yaml")


def _file(settings: CloudSettings) -> Path | None:
    with translated(settings):
        name = _loader(settings).config_filename
    return Path(name).absolute() if name else None


def _region(settings: CloudSettings) -> dict[str, Any]:
    return {"region_name": settings.region} if settings.region else {}


def _secret(settings: CloudSettings, config: Any) -> dict[str, Any]:
    if settings.secret is None:
        return {}
    with translated(settings):
        value = Resolver(os.environ).resolve(reference(settings.secret)).get_secret_value()
    known = config.config.get("auth", {})
    credential = known.get("application_credential_id") or known.get("application_credential_name")
    return {"application_credential_secret" if credential else "password": value}


def _told(error: Exception) -> str:
    return plain(" ".join(str(error).split()), 400)
