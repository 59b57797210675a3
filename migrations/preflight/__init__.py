"""Preflight: weeks before a move its hosts are looked at, read-only, and what stands against the move is said.

Looking (`asking.py`) and judging (`judging.py`) are apart: a host answers with facts of a closed model (`facts.py`),
and findings are computed from them and from the programme alone.
"""

from migrations.preflight.findings import Finding, Severity
from migrations.preflight.looking import Preflight, PreflightResult

__all__ = ["Finding", "Preflight", "PreflightResult", "Severity"]
