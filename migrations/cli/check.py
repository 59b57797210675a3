"""`zhenghe check` and `zhenghe schema`: what is wrong with an inventory, and what editors may know of its files."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from inventory.words import _, system_said
from migrations.cli import saying
from migrations.cli.help import Folder, Json, inventory_folder


def check_inventory(
    folder: Folder = Path(),
    as_json: Json = False,
    sarif: Annotated[
        Path | None, typer.Option("--sarif", metavar="FILE", help=_("Write the findings as SARIF 2.1.0 too."))
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help=_("End with 1 where there are warnings."))] = False,
) -> None:
    from inventory.checks.checking import ADVISERS, check
    from inventory.findings import Severity
    from inventory.obligations.dates import today

    result = check(inventory_folder(folder), advisers=ADVISERS, day=today())
    if sarif is not None:
        from inventory.checks.sarif import sarif as log_of

        log = log_of(result.findings, Path.cwd(), version("zhenghe"))
        _write(sarif, json.dumps(log, ensure_ascii=False, indent=1) + "\n")
    saying.say(json.dumps(_told(result), ensure_ascii=True) if as_json else _said(result))
    if result.programme is None:
        raise typer.Exit(2)
    raise typer.Exit(1 if strict and result.counts[Severity.WARNING] else 0)


def print_schema(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help=_("Write it into a file instead of printing it."))
    ] = None,
) -> None:
    from inventory.files.schema import schema_text

    if out is None:
        saying.say(schema_text(), end="")
    else:
        _write(out, schema_text())


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("check", help=_("Find everything that is wrong with the inventory, at once."))(check_inventory)
    app.command("schema", help=_("Print the JSON Schema of the inventory's files, for editors."))(print_schema)


def _told(result: Any) -> dict[str, Any]:
    return {
        **{f"{severity}s": count for severity, count in result.counts.items()},
        "files": [str(file) for file in result.files],
        "systems": result.systems,
        "findings": [finding.model_dump(mode="json") for finding in result.findings],
    }


def _said(result: Any) -> str:
    from inventory.findings import written

    return _printable(written(result.findings, files=result.files, systems=result.systems))


def _printable(text: str) -> str:
    # A file's name may be no text at all.
    return text.encode("utf-8", "backslashreplace").decode()


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(_printable(text), encoding="utf-8")
    except OSError as exc:
        told = _("{file} cannot be written: {said}").format(file=file, said=system_said(exc))
        raise typer.BadParameter(told) from exc
