"""Nobody approves what he carries out himself, for another plan or world, after its time, or with another's name."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.worlds import CloudSettings, World
from inventory.model import Programme
from migrations.cli.approve import acts_of, keep_approvals, see_approved
from migrations.evidence.chain import Soundness
from migrations.home import RunHome, RunSettings, run_id
from migrations.plan import Plan, digest
from migrations.trust import bundle
from migrations.trust.approving import NAMESPACE, Approval, Approvals, NotApproved, Statement, WrongApprovers
from migrations.trust.showing import approvals_shown
from migrations.trust.signing import SigningFailed, sign
from migrations.trust.witness import witnessed

PLAN = Plan(programme="p", units=(), untouched=())
DIGEST = digest(PLAN)
WEEK = timedelta(days=7)
OPERATOR = {"user": "wang"}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state with three approvers, of whom one is the operator."""
    monkeypatch.setenv("ZHENGHE_STATE", str(tmp_path))
    people = []
    for name in ("li", "zhao", "wang"):
        key = tmp_path / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
        people.append({"name": name, "login": name, "key": public})
    (tmp_path / "approvers.yaml").write_text(json.dumps({"people": people}))
    return tmp_path


def approve(state: Path, who: str, deed: str = "apply", world: str = "city", plan: str = DIGEST) -> None:
    assert deed in ("apply", "commit")
    Approvals(state).approve(
        plan, world, "apply" if deed == "apply" else "commit", state / who, lasting=WEEK, note="见会议纪要 \u202e"
    )


def lacking(state: Path, deed: str = "apply") -> bool:
    return bool(Approvals(state).missing(DIGEST, "city", "apply" if deed == "apply" else "commit", OPERATOR, None))


def test_one_person_does_not_sign_by_two_names(state: Path) -> None:
    people = json.loads((state / "approvers.yaml").read_text())["people"]
    twice = {"name": "deputy", "key": people[0]["key"]}
    (state / "approvers.yaml").write_text(json.dumps({"people": [*people, twice]}))
    with pytest.raises(WrongApprovers, match="two people have the key of li"):
        lacking(state, "commit")
    (state / "approvers.yaml").write_text(json.dumps({"people": [*people, {**people[1], "name": "li"}]}))
    with pytest.raises(WrongApprovers, match="two people are called li"):
        lacking(state, "commit")
    # With two keys one account is still one person.
    (state / "approvers.yaml").write_text(json.dumps({"people": [*people[:2], {**people[2], "login": "li"}]}))
    with pytest.raises(WrongApprovers, match="two people have the login of li"):
        lacking(state, "commit")


def test_one_who_is_not_the_operator_lets_a_plan_be_applied_and_two_let_it_be_committed(state: Path) -> None:
    assert lacking(state)
    approve(state, "wang")
    assert lacking(state)
    approve(state, "li")
    assert not lacking(state)
    approve(state, "li", "commit")
    approve(state, "li", "commit")
    assert lacking(state, "commit")
    approve(state, "zhao", "commit")
    assert not lacking(state, "commit")


def test_an_approval_holds_for_one_plan_world_and_time(state: Path) -> None:
    approve(state, "li", world="another")
    approve(state, "zhao", plan="0" * 64)
    assert lacking(state)
    (kept,) = (state / "approvals" / ("0" * 64)).glob("*.json")
    kept.rename(state / "approvals" / DIGEST / "moved.json")
    assert lacking(state)
    approve(state, "li")
    seen = Approvals(state).seen(DIGEST, "city", OPERATOR, datetime.now(UTC) + timedelta(days=8))
    assert all(each.against for each in seen)
    assert any("not in force" in each.against for each in seen)


@pytest.mark.parametrize("change", [{"person": "zhao"}, {"deed": "commit"}, {"ends": "2999-01-01T00:00:00Z"}])
def test_an_approval_that_was_changed_does_not_count(state: Path, change: dict[str, str]) -> None:
    approve(state, "li")
    (file,) = (state / "approvals" / DIGEST).glob("*.json")
    approval = json.loads(file.read_text())
    approval["statement"] |= change
    file.write_text(json.dumps(approval))
    seen = Approvals(state).seen(DIGEST, "city", OPERATOR, datetime.now(UTC))
    assert ["signature is not" in each.against for each in seen] == [True]


def test_who_is_not_named_signs_nothing(state: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(state / "chen")], check=True)
    with pytest.raises(WrongApprovers, match="no approver"):
        approve(state, "chen")
    with pytest.raises(SigningFailed):
        approve(state, "nobody")
    (state / "approvers.yaml").write_text("people: [{name: li}]")
    with pytest.raises(WrongApprovers, match="key"):
        lacking(state)
    (state / "approvers.yaml").write_text("people: {")
    with pytest.raises(WrongApprovers):
        lacking(state)


def test_a_rehearsal_may_be_asked_for(state: Path) -> None:
    approvers = json.loads((state / "approvers.yaml").read_text())
    (state / "approvers.yaml").write_text(json.dumps({**approvers, "policy": {"rehearsed_within": "30d"}}))
    approve(state, "li")
    now = datetime.now(UTC)
    for passed, told in ((None, True), (now - timedelta(days=31), True), (now - timedelta(days=1), False)):
        assert bool(Approvals(state).missing(DIGEST, "city", "apply", OPERATOR, passed)) is told


def test_in_the_real_world_nothing_is_done_unapproved_and_in_a_twin_nothing_is_asked(state: Path) -> None:
    cloud = CloudSettings(backend="twin", endpoint="none")
    real = World(name="city", kind="real", ssh_config=state / "ssh_config", cloud=cloud)
    home = RunHome(state / "runs" / "p-1")
    called_twin = real.model_copy(update={"kind": "twin"})
    with pytest.raises(NotApproved):
        see_approved(home, DIGEST, called_twin, "apply")
    own = state / "twins" / "city" / "ssh_config"
    see_approved(home, DIGEST, called_twin.model_copy(update={"ssh_config": own}), "commit")
    with pytest.raises(NotApproved, match="0 of 1"):
        see_approved(home, DIGEST, real, "apply")
    approve(state, "li")
    see_approved(home, DIGEST, real, "apply")
    home.create(PLAN, RunSettings(run="p-1", plan=DIGEST, world=state / "world.json", kind="real"))
    with witnessed(home, "apply"):
        keep_approvals(home, "apply", real)
    (approved,) = (each for each in home.evidence.records() if each.kind == "approved")
    assert approved.what == {"deed": "apply", "by": ["li"]}
    assert len(list((home.path / "approvals").glob("*.json"))) == 1


@pytest.fixture
def approved(state: Path) -> RunHome:
    """A run of the real world that was carried out under the approval of one person."""
    cloud = CloudSettings(backend="twin", endpoint="none")
    real = World(name="city", kind="real", ssh_config=state / "ssh_config", cloud=cloud)
    home = RunHome(state / "runs" / run_id(PLAN, "city"))
    approve(state, "li")
    home.create(PLAN, RunSettings(run=home.path.name, plan=DIGEST, world=state / "world.json", kind="real"))
    with witnessed(home, "apply"):
        keep_approvals(home, "apply", real)
    return home


def test_the_evidence_shows_who_signed_and_with_which_key(state: Path, approved: RunHome) -> None:
    assert bundle.checked(approved).outcome is Soundness.SOUND
    assert bundle.verify(bundle.export(approved, state / "bundle.tar.gz")).outcome is Soundness.SOUND
    (shown,), lacking = approvals_shown(approved)
    assert (shown.deed, shown.person, lacking) == ("apply", "li", "")
    (text,) = (approved.path / "approvals").glob("*.txt")
    words = ["ssh-keygen", "-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(text.with_suffix(".sig"))]
    with text.open() as signed:
        told = subprocess.run(words, stdin=signed, capture_output=True, text=True, check=True).stdout
    assert shown.key in told
    assert shown.key in subprocess.run(["ssh-keygen", "-lf", state / "li.pub"], capture_output=True, text=True,
                                       check=True).stdout  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"person": "zhao"}, {"plan": "0" * 64}, {"world": "another"}, {"deed": "commit"}, {"note": "more"},
        {"begins": "2999-01-01T00:00:00Z", "ends": "2999-02-01T00:00:00Z"}, {"ends": "2001-01-01T00:00:00Z"}, None,
    ],
)  # fmt: skip
@pytest.mark.parametrize("signed_anew", [True, False])
def test_evidence_that_names_an_approval_which_was_for_something_else_is_broken(
    state: Path, approved: RunHome, change: dict[str, str] | None, *, signed_anew: bool
) -> None:
    """Whoever has a key can sign anything: what he signed has to be what the evidence says."""
    (file,) = (approved.path / "approvals").glob("*.json")
    if change is None:
        file.unlink()
    elif "note" in change and signed_anew:
        return
    else:
        approval = Approval.model_validate_json(file.read_bytes())
        said = Statement.model_validate_json(json.dumps(json.loads(approval.statement.model_dump_json()) | change))
        signature = sign(said.text, state / "li", NAMESPACE) if signed_anew else approval.signature
        file.write_text(Approval(statement=said, signature=signature).model_dump_json())
    assert bundle.checked(approved).outcome is Soundness.BROKEN
    assert bundle.verify(bundle.export(approved, state / "bundle.tar.gz")).outcome is Soundness.BROKEN


@pytest.mark.parametrize("act, change", [
    ("declassify", {"grading": {"declassified": {"by": "li", "date": "2018-01-02", "reason": "no secret is in it"}}}),
    ("override", {"override": {"reason": "as the office wants", "date": "2018-01-02"}}),
])  # fmt: skip
def test_what_was_declassified_or_overridden_is_signed_for_by_itself(
    state: Path, programme: Programme, act: str, change: dict[str, Any]
) -> None:
    plan = Plan.model_validate({
        "programme": "p", "untouched": (), "units": [{"name": "archive", "kind": "system", "needs": (), "steps": ()}],
    })  # fmt: skip
    assert acts_of(plan, programme) == ()
    document = programme.model_dump(mode="json")
    (archive,) = (each for each in document["systems"] if each["system"] == "archive")
    for field, value in change.items():
        archive[field] = {**(archive[field] or {}), **value}
    changed = Programme.model_validate_json(json.dumps(document))
    assert acts_of(plan, changed) == (act,)
    assert acts_of(plan.model_copy(update={"units": ()}), changed) == ()
    real = World(name="city", kind="real", ssh_config=state / "ssh_config",
                 cloud=CloudSettings(backend="twin", endpoint="none"))  # fmt: skip
    home = RunHome(state / "runs" / "p-1")
    approve(state, "li")
    see_approved(home, DIGEST, real, "apply")
    with pytest.raises(NotApproved, match=f"{act}: 0 of 1"):
        see_approved(home, DIGEST, real, "apply", acts=acts_of(plan, changed))
    signed = Approvals(state).approve(DIGEST, "city", act, state / "zhao", lasting=WEEK, note="")  # type: ignore[arg-type]
    assert f"deed: {act}\n" in signed.statement.text
    see_approved(home, DIGEST, real, "apply", acts=acts_of(plan, changed))
