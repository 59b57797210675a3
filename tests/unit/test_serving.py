"""A service that reads a new configuration serves meanwhile: it is neither started anew nor told as stopped."""

from pathlib import Path

import pytest

from playbooks.agents.kit import serving


@pytest.mark.parametrize(
    "said, code, runs",
    [("active", 0, True), ("reloading", 0, True), ("inactive", 3, False), ("activating", 3, False)],
)
def test_whether_a_unit_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, code: int, runs: bool
) -> None:
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f"#!/bin/sh\necho {said}\nexit {code}\n")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert serving("zhenghe-haproxy.service") is runs
