"""Whether a run's own folder shows the approvals that its evidence names, for somebody who has nothing else.

Whoever checks knows the approvers' keys from elsewhere. What is seen here is that somebody signed for this plan, this
deed and that time, and with which key.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from inventory.words import _
from migrations.evidence.kinds import Approved, RunBegun
from migrations.home import RunHome
from migrations.trust.approving import NAMESPACE, Approval, Statement
from migrations.trust.signing import signer_of

FOLDER = "approvals"


class Shown(NamedTuple):
    """One approval that counted: for what, whose by his own word, and the fingerprint of the key that signed."""

    deed: str
    person: str
    key: str


def approvals_shown(home: RunHome) -> tuple[tuple[Shown, ...], str]:
    """Return the approvals that a run's evidence names, as its folder shows them, and the first that it does not."""
    records = home.evidence.records()
    begun = next((said for _record, said in RunBegun.among(records[:1])), None)
    if begun is None:
        return (), ""
    kept, found = tuple(_kept(home)), dict[Shown, None]()
    for record, approved in Approved.among(records):
        for person in approved.by:
            fitting = (each for each in kept if _fits(each.statement, begun, approved.deed, person, record.time))
            signers = (signer_of(each.statement.text, each.signature, NAMESPACE) for each in fitting)
            key = next(filter(None, signers), "")
            if not key:
                told = _("no approval of {person} for {deed} of this plan, in its world and at that time, is there")
                return tuple(found), told.format(person=person, deed=approved.deed)
            found[Shown(approved.deed, person, key)] = None
    return tuple(found), ""


def _fits(said: Statement, begun: RunBegun, deed: str, person: str, when: datetime) -> bool:
    meant = (said.plan, said.deed, said.person) == (begun.plan, deed, person)
    return meant and begun.run.endswith(f"-{said.world}") and said.begins <= when < said.ends


def _kept(home: RunHome) -> Iterator[Approval]:
    for file in sorted((home.path / FOLDER).glob("*.json")):
        try:
            yield Approval.model_validate_json(file.read_bytes())
        except ValidationError:
            # Whatever it is, it is no approval.
            continue
