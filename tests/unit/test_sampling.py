"""What is walked of an exhaustive walk."""

import pytest

from tests.sampling import WHOLE, sampled


def test_a_sample_keeps_the_order_and_is_the_same_for_one_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WHOLE, raising=False)
    items = list(range(100))
    first = sampled(items, 0.3, "a")
    assert (len(first), first == sorted(first), sampled(items, 0.3, "a") == first) == (30, True, True)
    assert sampled(items, 0.3, "b") != first


def test_all_commits_together_walk_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WHOLE, raising=False)
    seen = {item for number in range(60) for item in sampled(range(20), 0.3, str(number))}
    assert seen == set(range(20))


def test_the_whole_is_walked_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WHOLE, "1")
    assert sampled("abc", 0.1, "a") == ["a", "b", "c"]
