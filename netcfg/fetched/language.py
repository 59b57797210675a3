"""What is known about the language of a platform's configurations: data in `NAME.yaml` beside this file."""

from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from inventory.base import Model

_FOLDER = Path(__file__).parent

Kind = Literal[
    "hostname",
    "speaker",
    "router-id",
    "port",
    "address",
    "port-shut",
    "neighbour",
    "member",
    "neighbour-shut",
    "policy",
    "announced",
    "redistributed",
    "static",
    "entry",
    "clause",
    "match",
    "set",
    "call",
    "foreign",
]


class Form(Model):
    """How a fact is written: a pattern for each section and the line itself; named groups are its values."""

    kind: Kind
    path: tuple[str, ...]
    name: str = ""
    """Of a foreign line: what it is."""


class Language(Model):
    """How to read the configurations of one platform."""

    head: str
    """Lines before the configuration itself."""
    volatile: str
    """Lines that differ from one look to the next, such as times."""
    secrets: tuple[str, ...]
    """The second group is a secret; the first match counts."""
    forms: tuple[Form, ...]
    route: str
    """Asks for the route to an address."""
    route_in: str
    """The same in a VRF."""


@cache
def load_language(platform: str) -> Language | None:
    """Return what is known about the language of a platform, or None where nobody has written it down."""
    path = _FOLDER / f"{platform}.yaml"
    return Language.model_validate(yaml.safe_load(path.read_text())) if path.is_file() else None
