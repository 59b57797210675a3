"""Verification: what must hold is computed from the inventory, and looked at on the hosts by pytest and testinfra."""

from migrations.evidence.seen import Failure, UnitChecks
from migrations.proof.verify.expectations import Expectation, Side, expectations
from migrations.proof.verify.verifying import (
    ChecksBroken,
    NothingToVerify,
    VerifyError,
    VerifyResult,
    check_hosts,
    verify,
)

__all__ = [
    "ChecksBroken", "Expectation", "Failure", "NothingToVerify", "Side", "UnitChecks", "VerifyError", "VerifyResult",
    "check_hosts", "expectations", "verify",
]  # fmt: skip
