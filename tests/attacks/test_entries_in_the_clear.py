"""Somebody listens before an entry: whether clients may come in the clear is decided by what was seen, never by us."""

from collections.abc import Callable
from typing import Any

import pytest

from playbooks.agents.answers import Admission

LINES = [
    {"kind": "hostnossl", "users": ["legacy"], "network": "10.0.0.0/8", "method": "md5"},
    {"kind": "host", "users": ["clerk"], "network": "10.0.0.0/8", "method": "scram-sha-256"},
    {"kind": "hostssl", "users": [], "network": "0.0.0.0/0", "method": "reject"},
]


@pytest.mark.parametrize(
    "declared, by_tls, clear, wanted",
    [
        ("", ["a@10.0.0.1"], [], "required"),
        ("", ["a@10.0.0.1"], ["b@10.0.0.2"], "allowed"),
        ("", [], [], "allowed"),  # Nobody was seen: nothing is known of anybody.
        ("required", [], ["b@10.0.0.2"], "required"),
        ("allowed", ["a@10.0.0.1"], [], "allowed"),
    ],
)
def test_tls_is_demanded_where_all_who_were_seen_spoke_it(
    on_host: Callable[[str], Any], declared: str, by_tls: list[str], clear: list[str], wanted: str
) -> None:
    assert on_host("zhenghe_pg_clear").Seen(by_tls, clear).demanded(declared) == wanted


def test_who_was_seen_in_the_clear_once_is_remembered(
    on_host: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clear = on_host("zhenghe_pg_clear")
    monkeypatch.setattr(clear, "rows", lambda *_: [("clerk", "10.0.0.1", True), ("clerk", "10.0.0.2", True)])
    first = clear.look(None, "10.0.0.9", [["other@10.0.0.5"], ["clerk@10.0.0.1"]])
    assert first == (["clerk@10.0.0.2", "other@10.0.0.5"], ["clerk@10.0.0.1"])


def test_no_line_of_an_entry_that_demands_tls_means_anybody_without(on_host: Callable[[str], Any]) -> None:
    held = on_host("zhenghe_bouncer_access").by_tls(LINES)
    assert [line["kind"] for line in held] == ["hostssl", "hostssl"]
    assert [line["method"] for line in held] == ["scram-sha-256", "reject"]


def test_a_host_that_says_something_else_of_its_clients_is_not_believed() -> None:
    said = {"lines": [], "pooling": "session", "why": [], "clients": 1}
    assert Admission.model_validate(said).tls == "allowed"
    with pytest.raises(ValueError, match="tls"):
        Admission.model_validate({**said, "tls": "off"})
