"""The Pulumi program: a site's declaration in, resources of a backend out."""

import pulumi

from infra.backends import Backend
from infra.declaration import SiteDeclaration


def declare(site: SiteDeclaration, backend: Backend) -> None:
    """Declare one site in the Pulumi program that runs now, and export its hosts' addresses."""
    backend.provide(site)
    pulumi.export("hosts", {server.name: str(server.address) for server in site.servers})
