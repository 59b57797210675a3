"""What testinfra is to find, computed from the example and the kinds as they are."""

import pytest

from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Programme
from migrations.proof.verify.expectations import Expectation, Side, expectations

KINDS = load_kinds(playbooks_folder() / "roles")


def found(programme: Programme, unit: str, side: Side) -> tuple[Expectation, ...]:
    return expectations(programme, KINDS, {unit: side})


def test_a_retired_system_is_stopped_where_it_stood_and_kept_there_as_one_file(programme: Programme) -> None:
    wanted = found(programme, "system:notice-board", Side.TARGET)
    assert {each.host for each in wanted} == {"civil-old"}
    commands = {each.name for each in wanted if each.what == "command"}
    assert any("sites-enabled" in command and "/srv/notices" in command for command in commands)
    assert any("sha256sum --check notice-board-site.tar.sha256" in command for command in commands)


def test_before_it_is_retired_nothing_is_expected_of_it(programme: Programme) -> None:
    assert found(programme, "system:notice-board", Side.SOURCE) == ()


@pytest.mark.parametrize("system", ["water-billing", "archive", "identity"])
def test_a_system_that_moved_is_not_looked_for_as_a_retired_one(programme: Programme, system: str) -> None:
    wanted = found(programme, f"system:{system}", Side.TARGET)
    assert wanted
    assert not any("/var/lib/zhenghe/archive" in each.name for each in wanted)


def test_nothing_is_expected_of_what_stands_nowhere_and_of_the_classified(programme: Programme) -> None:
    assert expectations(programme, KINDS, {}) == ()
    assert found(programme, "system:case-files", Side.TARGET) == ()
