"""Whose lock on a state may be taken away, which copies are kept of states, and which may go to another machine."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.engine import backups
from infra.engine.locks import holders
from infra.engine.places import states_environment
from infra.worlds import StateSettings

WHEN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SEALED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:a:b"}


def complaint(host: str) -> str:
    return (
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the "
        f"lock file with `pulumi cancel`.\n  s3://b/.pulumi/locks/organization/zhenghe/cloud-a/1.json: created by "
        f"root@{host} (pid 7) at {WHEN:%Y-%m-%dT%H:%M:%SZ}"
    )


def test_a_holder_is_dead_only_where_a_run_of_this_machine_was_killed_before_he_locked() -> None:
    (ours,) = holders(complaint(socket.gethostname()))
    assert (ours.user, ours.since) == ("root", WHEN)
    assert ours.dead(WHEN.timestamp() - 5)
    assert not ours.dead(WHEN.timestamp() + 5)
    assert not ours.dead(None)
    (theirs,) = holders(complaint("elsewhere.example"))
    assert not theirs.dead(WHEN.timestamp() - 5)


def test_another_complaint_names_no_holder() -> None:
    assert holders("error: could not connect to bucket") == ()


def test_a_zone_that_is_not_utc_is_understood() -> None:
    (holder,) = holders(complaint("a").replace("12:00:00Z", "20:00:00+08:00"))
    assert holder.since == WHEN


def test_the_newest_thirty_differing_states_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    made = [
        backups.keep(tmp_path / "b", {"resources": [number // 2]}, WHEN + timedelta(minutes=number))
        for number in range(80)
    ]
    assert sum(file is not None for file in made) == 40
    kept = sorted((tmp_path / "b").iterdir())
    assert len(kept) == 30
    assert kept[-1] == next(file for file in reversed(made) if file is not None)
    assert {file.stat().st_mode & 0o777 for file in kept} == {0o600}


def test_a_state_with_sealed_values_does_not_leave_the_machine_of_their_passphrase() -> None:
    plain = {"secrets_providers": {"type": "passphrase"}, "resources": [{"urn": "a", "outputs": {"list": [1]}}]}
    assert backups.portable(plain) == {"resources": [{"urn": "a", "outputs": {"list": [1]}}]}
    assert backups.portable({"resources": [{"urn": "a", "outputs": {"list": [SEALED]}}]}) is None


def test_a_store_of_states_gets_its_secrets_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE", "hunter2")
    stored = StateSettings.model_validate(
        {"url": "s3://states?region=one", "environment": {"AWS_SECRET_ACCESS_KEY": "env:STORE"},
         "passphrase": "env:STORE"}
    )  # fmt: skip
    found = states_environment(tmp_path, stored)
    assert found == {
        "AWS_SECRET_ACCESS_KEY": "hunter2", "PULUMI_BACKEND_URL": "s3://states?region=one",
        "PULUMI_CONFIG_PASSPHRASE": "hunter2",
    }  # fmt: skip
    assert "file://" in states_environment(tmp_path, None)["PULUMI_BACKEND_URL"]


@pytest.mark.parametrize("url", ["file:///tmp/x", "s3://key:secret@bucket", "https://api.pulumi.com", "states"])
def test_a_store_that_is_none_or_carries_a_password_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        StateSettings.model_validate({"url": url})
