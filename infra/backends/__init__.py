"""Where sites can be provided: a backend declares a site's resources and finds again what a killed run has made."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Protocol, cast

from infra.declaration import SiteDeclaration
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
        """Return the ids of the resources that carry the unique name of these inputs; wait for what is being built.

        Raise BackendError where the cloud does not answer.
        """

    def environment(self) -> Mapping[str, str]:
        """Return what the backend's plugins read from their environment; no secret is in it."""


def backend_of(settings: CloudSettings) -> Backend:
    """Return the backend that a world names; raise BackendMissing where there is none of that name."""
    try:
        module = importlib.import_module(f"infra.backends.{settings.backend}")
    except ModuleNotFoundError as error:
        why = _("there is no backend {name}: name another one in the world's cloud settings")
        raise BackendMissing(why.format(name=settings.backend)) from error
    return cast("Backend", module.backend(settings))
