"""How obligations name what falls short, and what is not known of what people leave blank or out of sight."""

import pytest

from inventory.dispositions.common import named_functions
from inventory.obligations import State
from tests.unit.obliged import judged, programme, systems

CLOUD = {"by": "2018-12-31", "needs": [{"systems": {"where": {"classified": False}, "holds": {"committed": True}}}]}
SHARED = {"by": "2018-12-31", "needs": [{"systems": {"where": {"common": ["office"]}, "holds": {"done": True}}}]}


def test_systems_of_one_title_are_told_with_their_departments() -> None:
    owners = [{"name": "water", "title": "水务局"}, {"name": "tax", "title": "税务局"}]
    own = [
        {**system, "title": title, "department": owner}
        for system, title, owner in zip(
            systems(3), ("办公系统", "办公系统", "水费系统"), ("water", "tax", "water"), strict=True
        )
    ]
    found = judged([CLOUD], programme(departments=owners, systems=own), "2019-06-01")
    assert [short.title for short in found.short] == ["办公系统 (水务局)", "办公系统 (税务局)", "水费系统"]


def test_a_plan_is_not_met_because_everything_is_classified() -> None:
    secret = systems(2, grading={"classified": True})
    found = judged([CLOUD], programme(systems=secret), "2019-06-01")
    assert found.state is State.NOT_MEASURABLE
    assert found.deciding.measurements[0].missing == ("all systems of the inventory are classified",)


@pytest.mark.parametrize("title, state", [("办公系统", State.NOT_MEASURABLE), ("水费系统", State.MET)])
def test_who_leaves_the_common_function_of_a_common_title_blank_meets_nothing(title: str, state: State) -> None:
    on = programme(systems=systems(1, title=title, survey={"function": "办公"}))
    assert judged([SHARED], on, "2019-06-01").state is state


@pytest.mark.parametrize(
    "title, function",
    [
        ("办公自动化系统", "office"), ("水务局OA系统", "office"), ("区民政局门户网站", "website"),
        ("视频会议系统", "meeting"),
        ("短信平台", "messaging"), ("行政审批系统", "approval"), ("协同办公平台V2.0", "office"),
        ("网上审批平台", "approval"),
        ("水费征收系统", ""), ("网格化管理系统", ""), ("办公用房管理系统", ""), ("监控系统", ""),
    ],
)  # fmt: skip
def test_titles_that_name_a_common_function(title: str, function: str) -> None:
    assert (function in named_functions(title)) if function else not named_functions(title)
