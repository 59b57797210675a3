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
    "password",
    "vrf",
    "policy",
    "inline",
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


class Expansion(Model):
    """What stands for other words: names of constants, and sections that begin with what a template says."""

    define: str
    template: str
    user: str
    """A section with its template; templates may have templates."""


class Constants(Model):
    """Secrets that are written as constants: where a name stands for one, and where the constant is."""

    use: str
    define: str
    """Braces stand for the name; the second group is the secret."""


class Language(Model):
    """How to read the configurations of one platform."""

    head: str
    """Lines before the configuration itself."""
    volatile: str
    """Lines that differ from one look to the next, such as times."""
    secrets: tuple[str, ...] = ()
    """Looked for in each line: the second group is a secret; the first match counts."""
    spanning: tuple[str, ...] = ()
    """The same, looked for in the whole text, where a statement may go over several lines."""
    constants: Constants | None = None
    """Where secrets may have names."""
    texts: tuple[str, ...] = ()
    """Parts of a line in which people write whatever they like: hidden alone where a line looks like a secret."""
    forms: tuple[Form, ...]
    route: str
    """Asks for the route to an address."""
    route_in: str = ""
    """The same in a VRF."""
    sections: str = ""
    """Sections of which one line says whose they are, for all their other lines; empty where every line says so."""
    expansion: Expansion | None = None
    filters: Literal["", "functions"] = ""
    """Whether policies are lines of their own kinds, or are written as functions."""
    beside: str = ""
    """Asks the shell account for the interfaces with their addresses, where the configuration has none of them."""


@cache
def load_language(platform: str) -> Language | None:
    """Return what is known about the language of a platform, or None where nobody has written it down."""
    path = _FOLDER / f"{platform}.yaml"
    return Language.model_validate(yaml.safe_load(path.read_text())) if path.is_file() else None
