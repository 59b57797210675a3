"""What commands and the service say to each other: closed models, short and few."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from inventory.base import Model
from inventory.plain import one_line
from migrations.states import PassageResult

Deed = Literal["apply", "commit", "rollback", "withdraw"]
Word = Annotated[str, StringConstraints(max_length=400)]
PersonField = Annotated[str, StringConstraints(pattern=r"^(user|login|sudo|from|machine|ssh_key)$")]
RunName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]


class Order(Model):
    """What a command wants done in a run that it has made; whether it may be is looked at again before it is done."""

    run: RunName
    deed: Deed
    units: Annotated[tuple[Word, ...], Field(max_length=50_000)] = ()
    """Keys of units; all where none is named."""
    by: Mapping[PersonField, Word] = {}
    """Who gave the order, as the evidence will have it."""
    command: Annotated[tuple[Word, ...], Field(max_length=1000)] = ()


def words_of(command: Iterable[str]) -> tuple[str, ...]:
    """Return the words of a command as an order has them."""
    return tuple(one_line(word, 400) for word in command)[:1000]


class Outcome(Model):
    """How an order came out; an error where it could not be carried out at all."""

    result: PassageResult | None = None
    failure: str = ""
    """What is not as it must be, such as what users felt; empty where all is well."""
    error: str = ""


class PlaceOrder(Model):
    """Asks for an order to be carried out; the answer is its number, given when it is on the disk."""

    ask: Literal["order"] = "order"
    order: Order


class AskOutcome(Model):
    """Asks how an order came out; the answer has no outcome while it is under way."""

    ask: Literal["outcome"] = "outcome"
    number: Annotated[int, Field(ge=1)]


class AskState(Model):
    """Asks what the service is at."""

    ask: Literal["state"] = "state"


Request = Annotated[PlaceOrder | AskOutcome | AskState, Field(discriminator="ask")]


class UnderWay(Model):
    """An order that has not ended, and what keeps it, where something does."""

    number: int
    run: str
    deed: Deed
    trouble: str = ""


class ServiceState(Model):
    """What the service is at."""

    process: int
    version: str
    since: AwareDatetime
    under_way: tuple[UnderWay, ...] = ()
    looked: AwareDatetime | None = None
    """When it looked last at what was moved."""


class Reply(Model):
    """The answer to one request; an error where it was refused."""

    error: str = ""
    number: int = 0
    outcome: Outcome | None = None
    trouble: str = ""
    """What keeps an order that is under way."""
    state: ServiceState | None = None


class ServiceSettings(Model):
    """How the service works; kept beside its orders, so that a start after a reboot needs no words."""

    every: Annotated[float, Field(ge=0.01, le=7 * 24 * 60)] = 15.0
    """Minutes between two looks at what was moved."""
    on_trouble: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    """A command and its words, started without a shell; it reads what has happened from its standard input, as JSON."""


class Places:
    """Where the service keeps its things, below the folder of all state."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.folder = state / "service"
        self.door = self.folder / "door.sock"
        self.lock = self.folder / "lock"
        self.orders = self.folder / "orders"
        self.logs = self.folder / "logs"
        self.settings = self.folder / "settings.json"
        self.looked = self.folder / "looked.json"
