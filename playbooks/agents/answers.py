"""Answers of hosts as closed models, read on the controller: nothing else of them is looked at or passed on.

A broken host speaks too. Whatever it says beyond these fields is refused, so that no word of its answer is one of
Ansible's (`add_host`, `ansible_facts`), of a plan's, or of another host's.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints

from infra.hearing import Facts, Sentence
from inventory.base import Model
from inventory.plain import plain

State = Literal["done", "not-done", "unknown"]
KEY_TYPES = (
    "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
)  # fmt: skip
_KEY = rf"^({'|'.join(one.replace('.', '[.]') for one in KEY_TYPES)}) [A-Za-z0-9+/]+={{0,3}}\z"

Key = Annotated[str, StringConstraints(pattern=_KEY, max_length=4000)]
"""A public key as OpenSSH writes it, without options and comment: one line."""
AccountName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?\z")]
Number = Annotated[int, Field(strict=True, ge=1, le=(1 << 32) - 2)]
AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[\w./@+-]*\z", max_length=1000)]
_SCRAM = r"SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=:]+"
_DOUBLE_HASH = r"\*[0-9A-F]{40}"
Verifier = Annotated[str, StringConstraints(pattern=rf"^({_SCRAM}|{_DOUBLE_HASH})\z", max_length=400)]
"""By what PostgreSQL, or MariaDB, knows a password without having it."""
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=63)]


class StepAnswer(Model):
    """Whether a step is done on a host, and what was seen there."""

    state: State
    facts: Facts = Field(default_factory=dict)


class User(Model):
    """An account that owns files, by the number that they keep."""

    name: AccountName
    number: Number
    group: Annotated[int, Field(strict=True, ge=0, le=(1 << 32) - 2)]
    home: AbsolutePath
    shell: AbsolutePath


class Group(Model):
    """A group that owns files, and those of the accounts that are in it."""

    name: AccountName
    number: Number
    members: tuple[AccountName, ...] = Field(max_length=1000)


class Accounts(Model):
    """Accounts that come along with files."""

    users: tuple[User, ...] = Field(max_length=1000)
    groups: tuple[Group, ...] = Field(max_length=1000)


class InFolder(Model):
    """What was found in a folder that moves, in numbers and in words."""

    files: Annotated[int, Field(strict=True, ge=0)] = 0
    bytes: Annotated[int, Field(strict=True, ge=0)] = 0
    refused: tuple[Sentence, ...] = Field((), max_length=200)
    reported: tuple[Sentence, ...] = Field((), max_length=200)


class Offer(Model):
    """What the ends of a copy need to know of each other."""

    public_key: Key | Literal[""]
    host_keys: tuple[Key, ...] = Field(max_length=16)
    accounts: Accounts
    gives: tuple[AbsolutePath, ...] = Field(max_length=100)
    found: InFolder = InFolder()


_PEM = r"^(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n){1,2}\z"


class Server(Model):
    """By what a server is known: what is to be pinned of its certificates, and the name that it is believed under."""

    certificate: Annotated[str, StringConstraints(pattern=_PEM, max_length=16_000)]
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]+\z", max_length=255)]


class Account(Model):
    """An entry's account at a database."""

    name: Identifier
    verifier: Verifier


class Admitted(Model):
    """One rule of who may come from where; no users mean everybody."""

    kind: Literal["host", "hostssl", "hostnossl"]
    users: tuple[Identifier, ...] = Field(max_length=10_000)
    network: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F.:]{2,45}/[0-9]{1,3}\z")]
    method: Literal["md5", "scram-sha-256", "reject"]


class Admission(Model):
    """What an entry has to hold: its rules in their order, how it shares connections, why, for how many clients.

    `tls` says whether clients have to speak it, `clear` who was seen to come without.
    """

    lines: tuple[Admitted, ...] = Field(max_length=20_000)
    pooling: Literal["transaction", "session"]
    why: tuple[Sentence, ...] = Field(max_length=20)
    clients: Annotated[int, Field(strict=True, ge=0)]
    tls: Literal["required", "allowed"] = "allowed"
    clear: tuple[Sentence, ...] = Field((), max_length=100)


Keyless = tuple[Annotated[str, StringConstraints(max_length=300)], Identifier, Identifier, Literal["d", "n", "f", "i"]]
"""A table without a key: its name as text, schema, table, and by what its rows were told apart before."""


class TaskResult(Model):
    """The result of one verb of a kind on one host; the last fields are what is handed on to other tasks."""

    changed: bool = False
    failed: bool = False
    msg: Sentence = ""
    mend: Sentence = ""
    exception: Annotated[str, AfterValidator(lambda text: plain(text, 8000))] = ""
    answer: StepAnswer | None = None
    offer: Offer | None = None
    account: Account | None = None
    verifier: Verifier | None = None
    server: Server | None = None
    older: tuple[Identifier, ...] | None = Field(None, max_length=10_000)
    """Roles whose passwords SCRAM cannot check; `*`: whose is set from now on, too."""
    admission: Admission | None = None
    keyless: tuple[Keyless, ...] | None = Field(None, max_length=100_000)

    def for_ansible(self) -> dict[str, Any]:
        """Return the result as an action's result: only what was said."""
        return self.model_dump(mode="json", exclude_unset=True)


class AgentAnswer(Model):
    """One line of an agent: what came of a call, or why it was refused, and how long it took in milliseconds."""

    answer: JsonValue = None
    refused: Sentence | None = None
    mend: Sentence = ""
    ms: float = Field(0.0, ge=0)


class Found(Model):
    """What an agent finds when it is opened, for people, beside its state."""

    facts: Facts


STATES = {"entry": {"from", "to"}, "source": {"open", "frozen", "sealed"}, "target": {"waiting", "promoted"}}
"""The states of each side of a move (loop.py)."""


PartNumber = Annotated[str, StringConstraints(pattern=r"^\d{1,3}\z")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}\z")]


class Digests(Model):
    """A digest for each part of a folder, by the part's number."""

    parts: dict[PartNumber, Digest]


class Listing(Model):
    """A digest of what was seen at each path in some parts of a folder."""

    paths: dict[Annotated[str, AfterValidator(plain)], Digest]


class Count(Model):
    """How much was looked at, when on the host's clock, and what others wrote into a copy there."""

    files: Annotated[int, Field(strict=True, ge=0)]
    at: float
    kept: Facts = Field(default_factory=dict)
