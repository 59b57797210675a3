"""Kinds of components: each a folder playbooks/roles/KIND whose kind.yaml says what it is.

The file, for a kind that a component may have:

    title: {en: PostgreSQL database, zh: PostgreSQL 数据库}
    serves: component            # or entry: it stands in front of components; or support: neither
    moves: replatform            # the disposition by rule: rehost or replatform
    stateful: true               # has data that is copied, compared and brought back
    entry: pgbouncer             # the kind that fronts it; left out: found by its address only
    substitutes: false           # addresses of others stand in its configuration: a plan says what becomes of them
    settings:                    # JSON Schema (2020-12) of a component's `settings`, closed
      type: object
      properties: {database: {type: string}}
      required: [database]
      additionalProperties: false
    checks:
      target:                    # what testinfra must find on each target after the move
        packages: [postgresql-15]
        services: ["postgresql@15-main"]       # running
        ports: [5432]                          # listening
        commands: [{run: "psql -tAc 'show wal_level'", finds: logical}]
      source:                    # what it must find on each source after the switch
        stopped: ["{service}"]                 # services that do not run
        closed: [80]                           # ports on which nothing listens
      retired:                   # what it must find where a component stood that went nowhere
        commands: [{run: "test -e /var/lib/zhenghe/archive/{system}-{component}.tar.gz"}]

In checks `{name}` stands for the component's setting of that name, `{port}` for its entry's port, `{system}` and
`{component}` for their names; a check whose setting is left out is left out too. A port may be written as such a word.
In a command it is one word of the shell, quoted where it needs to be: it never stands inside quotes.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import Field, ValidationError

from inventory.base import Model
from inventory.errors import ZhengheError


class Title(Model):
    """A name for people, in both languages."""

    en: str
    zh: str


class CommandCheck(Model):
    """A command that must succeed and, where `finds` is given, print this word somewhere."""

    run: str
    finds: str = ""


class Expectations(Model):
    """What must be found on a host; `{name}` stands for a component's setting."""

    packages: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    ports: tuple[int | str, ...] = ()
    closed: tuple[int | str, ...] = ()
    commands: tuple[CommandCheck, ...] = ()


class Checks(Model):
    """What must be found where a component went, where it came from, and where one stood that was retired."""

    target: Expectations = Expectations()
    source: Expectations = Expectations()
    retired: Expectations = Expectations()


class Kind(Model):
    """What is known of one kind of component: its words, its settings, its entry, its checks."""

    name: str
    title: Title
    serves: Literal["component", "entry", "support"] = "component"
    moves: Literal["rehost", "replatform"] = "rehost"
    stateful: bool = False
    entry: str | None = None
    substitutes: bool = False
    settings: Annotated[dict[str, Any], Field(default_factory=dict)]
    checks: Checks = Checks()


class KindError(ZhengheError):
    """A kind.yaml cannot be used; carries the file and what is wrong in it."""

    def __init__(self, file: Path, reason: str) -> None:
        self.file = file
        self.reason = reason
        super().__init__(f"{file}: {reason}")


def playbooks_folder() -> Path:
    """Return the folder of the Ansible content: beside the rooms in a checkout, inside migrations where installed."""
    root = Path(__file__).resolve().parent.parent
    checkout = root / "playbooks"
    return checkout if checkout.is_dir() else root / "migrations" / "_playbooks"


def load_kind(file: Path) -> Kind:
    """Read one kind.yaml; KindError where it is not one."""
    try:
        raw = yaml.safe_load(file.read_bytes())
        kind = Kind.model_validate_json(json.dumps({**raw, "name": file.parent.name}))
        Draft202012Validator.check_schema(kind.settings)
    except (OSError, TypeError, ValueError, SchemaError, yaml.YAMLError) as exc:
        reason = (
            "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exc.errors())
            if isinstance(exc, ValidationError)
            else str(exc)
        )
        raise KindError(file, reason) from exc
    return kind


def load_kinds(roles: Path) -> Mapping[str, Kind]:
    """Read the kinds of a folder of roles by name, such as playbooks/roles; roles without kind.yaml are ignored."""
    files = sorted(roles.glob("*/kind.yaml"))
    return {file.parent.name: load_kind(file) for file in files}
