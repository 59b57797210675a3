"""What the supervisor is told to build, and the digest by which a living twin is recognised as the wanted one."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from infra.parts import images
from infra.twin.layout import lay_out
from infra.twin.routers import surveyed_configuration
from inventory.base import Model
from inventory.model import Programme


class TwinSpec(Model):
    """All that a twin is built from."""

    name: str
    programme: Programme
    images: dict[str, Path]
    seeds: Path | None
    digest: str


def specify(programme: Programme, name: str, seeds: Path | None) -> TwinSpec:
    """Return the specification of a programme's twin; its digest covers layout, configurations, images and seeds."""
    layout = lay_out(programme)
    folders = {image: images.image_path(image) for image in images.NAMES}
    parts = {
        "layout": layout.model_dump(mode="json"),
        "devices": {device.name: surveyed_configuration(programme, device.name) for device in layout.devices},
        "images": sorted(map(str, folders.values())),
        "seeds": [] if seeds is None else list(_contents(seeds)),
    }
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return TwinSpec(name=name, programme=programme, images=folders, seeds=seeds, digest=digest)


def _contents(folder: Path) -> Iterator[tuple[str, int, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            yield str(path.relative_to(folder)), 0, str(path.readlink())
        elif path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            yield str(path.relative_to(folder)), path.stat().st_mode, digest
