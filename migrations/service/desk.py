"""The orders of the service, on the disk: what was accepted is there after any kill, and so is how it came out."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from inventory.base import Model
from inventory.regular import NotRegular, content_of
from inventory.words import _
from migrations.service.messages import Order, Outcome

KEPT = 500
"""So many orders that have ended are remembered."""


class Desk:
    """The folder of orders; one service writes new ones, the processes that carry them out write outcomes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._one_at_a_time = threading.Lock()

    def place(self, order: Order) -> int:
        """Keep an order and return its number; it is on the disk by then."""
        with self._one_at_a_time:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            number = max(self._numbers(), default=0) + 1
            publish(self._order_file(number), order)
            self._forget_the_oldest(number)
        return number

    def order(self, number: int) -> Order:
        """Read an order; FileNotFoundError where there is none of this number."""
        return Order.model_validate_json(content_of(self._order_file(number)))

    def end(self, number: int, outcome: Outcome) -> None:
        """Keep how an order came out."""
        publish(self._outcome_file(number), outcome)

    def outcome(self, number: int) -> Outcome | None:
        """Return how an order came out; nothing while it has not ended."""
        try:
            return Outcome.model_validate_json(content_of(self._outcome_file(number)))
        except FileNotFoundError:
            return None
        except (NotRegular, ValidationError):
            text = _("{file} is damaged: how the order came out is in the evidence of its run; see zhenghe status")
            return Outcome(error=text.format(file=self._outcome_file(number)))

    def hinder(self, number: int, trouble: str) -> None:
        """Keep what keeps an order from being carried out for now; nothing takes it away again."""
        if trouble:
            publish(self._trouble_file(number), Outcome(error=trouble))
        else:
            self._trouble_file(number).unlink(missing_ok=True)

    def trouble(self, number: int) -> str:
        """Return what keeps an order; nothing where nothing does."""
        try:
            return Outcome.model_validate_json(self._trouble_file(number).read_bytes()).error
        except (OSError, ValidationError):
            return ""

    def outstanding(self) -> tuple[tuple[int, Order], ...]:
        """Return the orders that have not ended, the first first; one that cannot be read ends here."""
        return tuple(self._outstanding())

    def _outstanding(self) -> Iterator[tuple[int, Order]]:
        for number in sorted(self._numbers()):
            if not self._outcome_file(number).exists():
                try:
                    yield number, self.order(number)
                except (NotRegular, ValidationError):
                    text = _("{file} is damaged and was not carried out: give the order once more")
                    self.end(number, Outcome(error=text.format(file=self._order_file(number))))
                except OSError:
                    # It was there a moment ago, or is again in a moment.
                    continue

    def _numbers(self) -> set[int]:
        names = (file.name.partition(".")[0] for file in self._folder.glob("*.order.json"))
        return {int(name) for name in names if name.isdigit()}

    def _forget_the_oldest(self, newest: int) -> None:
        for number in self._numbers():
            if number <= newest - KEPT and self._outcome_file(number).exists():
                for file in (self._order_file, self._outcome_file, self._trouble_file):
                    file(number).unlink(missing_ok=True)

    def _order_file(self, number: int) -> Path:
        return self._folder / f"{number:08d}.order.json"

    def _trouble_file(self, number: int) -> Path:
        return self._folder / f"{number:08d}.trouble.json"

    def _outcome_file(self, number: int) -> Path:
        return self._folder / f"{number:08d}.outcome.json"


def publish(path: Path, content: Model) -> None:
    """Put a file in place whole, on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(json.dumps(content.model_dump(mode="json"), ensure_ascii=False))
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
