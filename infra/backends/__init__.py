"""Where sites can be provided: a backend declares a site's resources and finds again what a killed run has made."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from infra.declaration import SiteDeclaration
from infra.host_keys import HostKeys
from infra.worlds import CloudSettings
from inventory.errors import ZhengheError
from inventory.words import _


class BackendError(ZhengheError):
    """A backend cannot answer; the message says why and what to do."""


class BackendMissing(BackendError):
    """The world names a backend that this installation does not have."""


class Backend(Protocol):
    """One kind of cloud. A module of this package has a function `backend(settings)` that returns one."""

    def provide(self, site: SiteDeclaration) -> None:
        """Declare the site's resources; called inside of a Pulumi program, with names that are unique in the cloud."""

    def identities(self, resource_type: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the ids of the resources that carry the unique name of these inputs, those that are being built too.

        Raise BackendError where the cloud does not answer.
        """

    def local_ports(self) -> Iterator[int]:
        """Yield the ports of this machine's loopback at which the cloud answers; each may be used before the next."""

    def environment(self) -> Mapping[str, str]:
        """Return what the backend's plugins read from their environment.

        A secret in it was resolved for this one use: it is given to the engine's process and kept nowhere.
        """

    def plugins(self) -> tuple[Path, ...]:
        """Return the folders of the executables by which the engine reaches the cloud; SetupError where none is."""

    def lacking(self, site: SiteDeclaration, held: frozenset[tuple[str, str]]) -> tuple[str, ...]:
        """Return a sentence for everything that stands against making what is not held yet; changes nothing.

        `held` are kind and name of what the engine's state has; the kind is the last word of its type.
        """

    def strays(self, site: SiteDeclaration) -> tuple[str, ...]:
        """Return the names of our resources that have what nobody declared, or are in error, unseen by the engine."""

    def clear(self, site: SiteDeclaration) -> tuple[str, ...]:
        """Take away strays and what was never whole, and return the names of what was touched; wait for what is built.

        Raise BackendError where something is broken that may hold data.
        """

    def explained(self, resource_type: str, inputs: Mapping[str, Any], reason: str) -> str:
        """Return why a resource of these inputs failed: in the cloud's own words where it has any, else the reason."""

    def host_keys(self, servers: Mapping[str, str]) -> tuple[HostKeys, ...]:
        """Return the keys that the cloud proves of servers (name to id); none where it writes the world itself."""


def backend_of(settings: CloudSettings) -> Backend:
    """Return the backend that a world names; raise BackendMissing where there is none of that name."""
    try:
        module = importlib.import_module(f"infra.backends.{settings.backend}")
    except ModuleNotFoundError as error:
        why = _("there is no backend {name}: name another one in the world's cloud settings")
        raise BackendMissing(why.format(name=settings.backend)) from error
    return cast("Backend", module.backend(settings))
