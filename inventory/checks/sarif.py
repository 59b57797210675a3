"""Findings as SARIF 2.1.0 (OASIS), which continuous integration shows beside the lines that they are about."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from inventory.findings import RULES, Finding, Severity

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Mapping[Severity, str] = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def sarif(findings: Iterable[Finding], base: Path, version: str) -> dict[str, Any]:
    """Return a SARIF log of one run; files below `base`, such as a checkout's root, are named relative to it."""
    ids = list(RULES)
    rules = [{"id": name, "shortDescription": {"text": text}} for name, text in RULES.items()]
    driver = {"name": "zhenghe check", "version": version, "rules": rules}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, base, ids) for finding in findings],
            }
        ],
    }


def _result(finding: Finding, base: Path, rules: list[str]) -> dict[str, Any]:
    text = f"{finding.field}: {finding.reason}" if finding.field else finding.reason
    uri = _uri(finding.file, base)
    place: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if finding.line:
        place["region"] = {"startLine": finding.line, "startColumn": finding.column}
    # By what is wrong and where inside the document, so that a line more above it makes no new finding.
    told = json.dumps([finding.rule, uri, finding.field, finding.reason])
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": LEVELS[finding.severity],
        "message": {"text": f"{text} → {finding.mend}" if finding.mend else text},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"field/v1": hashlib.sha256(told.encode()).hexdigest()},
    }


def _uri(file: Path, base: Path) -> str:
    whole = file.absolute()
    if whole.is_relative_to(base.absolute()):
        return quote(bytes(whole.relative_to(base.absolute())))
    return "file://" + quote(bytes(whole))
