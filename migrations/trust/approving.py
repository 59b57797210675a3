"""Approvals: a person signs, with an SSH key of his own, that a plan may be carried out in a world within a time.

`approvers.yaml` in the folder of the state (or where ZHENGHE_APPROVERS says) names people and what the programme asks:

    people:
      - {name: head-of-operations, title: 运维负责人, roles: [approver], login: ops-head, key: ssh-ed25519 AAAA...}
    policy: {apply: 1, commit: 2, rehearsed_within: 30d}

In a real world one approver has to have signed before a plan is carried out, and two before its way back is given up;
one more signs where a plan moves what somebody declassified, or does something else than the rules say (an override).
The operator who calls the command counts for none. In a twin nothing is asked, and for going back nowhere.

NotApproved   something is missing; says all of it
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AwareDatetime, Field, ValidationError

from inventory.base import Duration, Model, Name
from inventory.errors import ZhengheError
from inventory.plain import plain
from inventory.words import _
from migrations.trust.signing import fingerprint, is_signed, public_half, sign

NAMESPACE = "zhenghe-approval"
Deed = Literal["apply", "commit", "declassify", "override"]
Act = Literal["declassify", "override"]
"""What a plan may hold that is signed for by itself before it is carried out."""


class NotApproved(ZhengheError):
    """A deed is not approved; carries what is missing."""

    def __init__(self, deed: str, missing: tuple[str, ...]) -> None:
        self.missing = missing
        text = _("nothing was done: {deed} is not approved: {missing}; see zhenghe approvals, and zhenghe approve")
        super().__init__(text.format(deed=deed, missing="; ".join(missing)))


class WrongApprovers(ZhengheError):
    """The file of approvers cannot be used, or does not name who signs; carries the file and the reason."""

    def __init__(self, file: Path, reason: str) -> None:
        self.file = file
        super().__init__(_("{file}: {reason}; see docs/security.md for an example").format(file=file, reason=reason))


class Person(Model):
    """Somebody who signs."""

    name: Name
    title: Annotated[str, Field(max_length=100)] = ""
    roles: tuple[Literal["planner", "approver", "operator", "auditor"], ...] = ("approver",)
    login: Annotated[str, Field(max_length=100)] = ""
    """The account that this person uses on the controller; none of his approvals counts for what he calls himself."""
    key: Annotated[str, Field(pattern=r"^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*$", max_length=2000)]
    """The public key, as in authorized_keys, without its comment."""


class Policy(Model):
    """How many have to sign for what, and how old a rehearsal that passed may be; none where it is not asked for."""

    apply: Annotated[int, Field(ge=0, le=9)] = 1
    commit: Annotated[int, Field(ge=0, le=9)] = 2
    declassify: Annotated[int, Field(ge=0, le=9)] = 1
    override: Annotated[int, Field(ge=0, le=9)] = 1
    rehearsed_within: Duration | None = None


class Approvers(Model):
    """The file of approvers."""

    people: Annotated[tuple[Person, ...], Field(max_length=1000)] = ()
    policy: Policy = Policy()


class Statement(Model):
    """What somebody signs; its text is what stands in the file that is signed."""

    plan: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    world: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f]*$")]
    deed: Deed
    person: Name
    begins: AwareDatetime
    ends: AwareDatetime
    note: Annotated[str, Field(max_length=1000)] = ""

    @property
    def text(self) -> str:
        """Return what is signed."""
        rest = f"from: {self.begins.isoformat()}\nuntil: {self.ends.isoformat()}\nnote: {json.dumps(self.note)}\n"
        head = f"zhenghe approval\nplan: {self.plan}\nworld: {self.world}\ndeed: {self.deed}\n"
        return f"{head}person: {self.person}\n{rest}"


class Approval(Model):
    """A statement and its signature."""

    statement: Statement
    signature: Annotated[str, Field(max_length=20_000)]


class Seen(Model):
    """An approval as it was found: why it does not count, where it does not."""

    statement: Statement
    against: str = ""


class Approvals:
    """The approvals of all plans, below the folder of the state."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "approvals"
        self._file = Path(os.environ.get("ZHENGHE_APPROVERS") or state / "approvers.yaml")

    def approvers(self) -> Approvers:
        """Read who may approve; nobody where there is no file. WrongApprovers."""
        if not self._file.exists():
            return Approvers()
        try:
            found = Approvers.model_validate_json(json.dumps(yaml.safe_load(self._file.read_bytes())))
        except ValidationError as exc:
            wrong = exc.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, wrong["loc"]))
            raise WrongApprovers(self._file, plain(f"{place}: {wrong['msg']}", 300)) from exc
        except (ValueError, TypeError, RecursionError, yaml.YAMLError) as exc:
            raise WrongApprovers(self._file, _("it is no YAML of approvers")) from exc
        if twice := _twice(found.people):
            raise WrongApprovers(self._file, twice)
        return found

    def approve(self, plan: str, world: str, deed: Deed, key: Path, *, lasting: timedelta, note: str) -> Approval:
        """Sign with a person's key and keep it; WrongApprovers where the key is nobody's who may approve."""
        public = public_half(key)
        people = self.approvers().people
        person = next((each for each in people if each.key == public and "approver" in each.roles), None)
        if person is None:
            raise WrongApprovers(self._file, _("the key {key} belongs to no approver").format(key=fingerprint(public)))
        now = datetime.now(UTC).replace(microsecond=0)
        statement = Statement(
            plan=plan, world=world, deed=deed, person=person.name, begins=now, ends=now + lasting, note=note
        )
        approval = Approval(statement=statement, signature=sign(statement.text, key, NAMESPACE))
        folder = self._folder / plan
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        file = folder / f"{deed}-{person.name}-{now:%Y%m%dT%H%M%S}.json"
        scratch = file.with_suffix(".new")
        scratch.write_text(approval.model_dump_json(indent=1) + "\n")
        scratch.replace(file)
        return approval

    def seen(self, plan: str, world: str, operator: dict[str, str], now: datetime) -> tuple[Seen, ...]:
        """Return every approval of a plan, with what stands against those that do not count in a world."""
        people = {each.name: each for each in self.approvers().people}
        return tuple(
            Seen(statement=each.statement, against=_against(each, plan, world, people, operator, now))
            for each in self._kept(plan)
        )

    def missing(
        self, plan: str, world: str, deed: Deed, operator: dict[str, str], rehearsed: datetime | None
    ) -> tuple[str, ...]:
        """Say what is missing for a deed; nothing where it is approved."""
        now, policy = datetime.now(UTC), self.approvers().policy
        counted = {
            each.statement.person
            for each in self.seen(plan, world, operator, now)
            if each.statement.deed == deed and not each.against
        }
        needed: int = getattr(policy, deed)
        said = []
        if len(counted) < needed:
            text = _("{found} of {needed} approvers have signed who are not the operator")
            said.append(text.format(found=len(counted), needed=needed))
        if policy.rehearsed_within is not None and deed in {"apply", "commit"}:
            oldest = now - timedelta(seconds=policy.rehearsed_within)
            if rehearsed is None or rehearsed < oldest:
                days = f"{policy.rehearsed_within / 86400:g}"
                said.append(_("no rehearsal of this plan has passed within {days} days").format(days=days))
        return tuple(said)

    def copy_to(self, plan: str, folder: Path) -> None:
        """Keep the approvals of a plan beside what was done under them."""
        for file in self._files(plan):
            folder.mkdir(mode=0o700, exist_ok=True)
            (folder / file.name).write_bytes(file.read_bytes())
            # As ssh-keygen alone can check it.
            approval = Approval.model_validate_json(file.read_bytes())
            (folder / f"{file.stem}.txt").write_text(approval.statement.text)
            (folder / f"{file.stem}.sig").write_text(approval.signature)

    def _files(self, plan: str) -> Iterator[Path]:
        yield from sorted((self._folder / plan).glob("*.json"))

    def _kept(self, plan: str) -> Iterator[Approval]:
        for file in self._files(plan):
            try:
                yield Approval.model_validate_json(file.read_bytes())
            except ValidationError as exc:
                raise WrongApprovers(file, _("it is no approval")) from exc


def _twice(people: tuple[Person, ...]) -> str:
    """Say who stands there twice: one person who signs by two names would be two approvers."""
    seen: dict[str, str] = {}
    logins: dict[str, str] = {}
    for each in people:
        if each.name in seen.values():
            return _("two people are called {name}").format(name=each.name)
        # As OpenSSH knows it: the same key can be written in more than one way.
        mark = fingerprint(each.key) or each.key
        if mark in seen:
            return _("two people have the key of {name}").format(name=seen[mark])
        seen[mark] = each.name
        if each.login and logins.setdefault(each.login, each.name) != each.name:
            return _("two people have the login of {name}").format(name=logins[each.login])
    return ""


def _against(
    approval: Approval, plan: str, world: str, people: dict[str, Person], operator: dict[str, str], now: datetime
) -> str:
    statement = approval.statement
    person = people.get(statement.person)
    if person is None or "approver" not in person.roles:
        return _("{person} is no approver").format(person=statement.person)
    if not is_signed(statement.text, approval.signature, person.key, NAMESPACE):
        return _("the signature is not that of {person}").format(person=statement.person)
    logins = {operator[word] for word in ("user", "login", "sudo") if word in operator}
    checks = (
        (statement.plan != plan, _("it is for another plan")),
        (statement.world != world, _("it is for the world {world}").format(world=statement.world)),
        (not statement.begins <= now < statement.ends, _("it is not in force now")),
        (
            (person.login and person.login in logins) or operator.get("ssh_key") == fingerprint(person.key),
            _("the operator cannot sign for his own deed"),
        ),
    )
    return next((why for wrong, why in checks if wrong), "")
