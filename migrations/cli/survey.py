"""`zhenghe import` and `zhenghe survey`: departments' sheets into the inventory, and the sheets that they fill in."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.syntax import Syntax

from inventory.base import Model
from inventory.files.schema import SCHEMA_FILE, schema_text
from inventory.obligations.profiles import profile_file, shipped, unknown
from inventory.survey.answers import answers, answers_text
from inventory.survey.entries import Entry, Remark, Weight
from inventory.survey.merging.asking import Question, questions_text
from inventory.survey.merging.folder import Change, Folder
from inventory.survey.merging.joining import join
from inventory.survey.merging.memory import FILE, Memory
from inventory.survey.merging.merging import Merged, merge
from inventory.survey.merging.naming import name_for
from inventory.survey.merging.summing import causes_text, mapping_text
from inventory.survey.merging.telling import counted, difference, remarks_text, word_of
from inventory.survey.merging.writing import held, write
from inventory.survey.reading import read_sheets
from inventory.survey.sheets import Workbook, workbooks
from inventory.survey.tables.settling import Settled, read_settled
from inventory.words import _
from migrations.cli import saying
from migrations.cli.help import WrongUse, inventory_folder


class Beginning(Model):
    """What a new programme is called; what is empty is derived from the folder's name."""

    name: str = ""
    title: str = ""
    profile: str = ""


class Agreement(Model):
    """What was agreed to beforehand: to write, and the words that answer questions."""

    yes: bool = False
    accepted: tuple[str, ...] = ()


def import_sheets(
    paths: Sequence[Path], into: Path, mapping: Path | None, beginning: Beginning, agreed: Agreement, *, as_json: bool
) -> int:
    """Merge sheets into an inventory and return the exit status; InventoryErrors where it cannot be read."""
    if into.exists() and not into.is_dir():
        inventory_folder(into)
    lost = [path for path in paths if not path.exists()]
    if lost:
        reason = _("there is no such file: {paths}").format(paths=", ".join(map(str, lost)))
        raise WrongUse(reason, _("give the survey sheets that came back, or the folder that they are in"))
    settled = read_settled(mapping) if mapping is not None else Settled()
    beginning = _chosen(beginning, into, yes=agreed.yes, as_json=as_json)
    entries, found = read_sheets(paths, settled)
    with _holding(into):
        merged, said = _merged(into, entries, beginning, agreed.accepted)
        answers = () if agreed.yes or as_json or not sys.stdin.isatty() else _asked(merged.questions)
        if answers:
            merged, said = _merged(into, entries, beginning, (*agreed.accepted, *answers))
        remarks = (*found, *merged.remarks)
        if not as_json:
            _show(merged, remarks, said)
        written = _agreed(merged, yes=agreed.yes, as_json=as_json)
        if written:
            write(into, (*merged.files, *_schema(into)))
    if as_json:
        saying.say(json.dumps(_told(merged, remarks, written=written), ensure_ascii=False))
    elif written:
        saying.say(_("written; 'zhenghe check {folder}' tells what is still missing").format(folder=into))
    undecided = bool(merged.questions) or (bool(merged.files) and not written)
    return 1 if undecided or any(remark.severity is Weight.ERROR for remark in remarks) else 0


def _merged(
    into: Path, entries: Sequence[Entry], beginning: Beginning, accepted: Sequence[str]
) -> tuple[Merged, tuple[str, ...]]:
    """Return what an import would do, and what was assumed for it."""
    folder = Folder(into)
    said = _begun(folder, into, beginning) if entries else ()
    return merge(folder, Memory.read(into), entries, accepted), said


def _asked(questions: Sequence[Question]) -> tuple[str, ...]:
    """Ask a person each question, and return the words of the answers; an empty answer leaves it open."""
    words = []
    for each in questions:
        saying.say(questions_text((each,)))
        answer = input(_("agree? [y/n, Enter leaves it open] ")).strip().lower()
        if answer in {"y", "yes", "是"}:
            words.append(each.accept)
        elif answer in {"n", "no", "否"}:
            words.append(each.otherwise)
    return tuple(words)


def _schema(into: Path) -> tuple[Change, ...]:
    """Return the file that editors know the inventory's fields by, where it is not there yet."""
    return () if (into / SCHEMA_FILE).exists() else (Change(Path(SCHEMA_FILE), "", schema_text()),)


def _holding(folder: Path) -> AbstractContextManager[None]:
    # A folder that is not there yet is made when something is written, not when somebody looks.
    return held(folder) if folder.is_dir() else nullcontext()


def _chosen(beginning: Beginning, into: Path, *, yes: bool, as_json: bool) -> Beginning:
    """Return how a programme begins, with its profile, which is asked for and never assumed; WrongUse without one."""
    if beginning.profile:
        if profile_file(beginning.profile, into) is None:
            raise WrongUse(unknown(beginning.profile, into).reason, _profiles(into))
        return beginning
    if Folder(into).begun:
        return beginning
    if yes:
        raise WrongUse(_("a new programme follows a plan, and none is chosen"), _profiles(into))
    if as_json or not sys.stdin.isatty():
        return beginning
    saying.say(_profiles(into))
    profile = input(_("which plan does the programme follow? ")).strip()
    if not profile:
        raise WrongUse(_("a new programme follows a plan, and none is chosen"), _profiles(into))
    return _chosen(beginning.model_copy(update={"profile": profile}), into, yes=yes, as_json=as_json)


def _profiles(into: Path) -> str:
    """Say which profiles there are."""
    said = _("give --profile NAME: {names}; or the name of a file of your own in {folder}, such as plan.profile")
    return said.format(names=", ".join(shipped()), folder=into)


def _begun(folder: Folder, into: Path, beginning: Beginning) -> tuple[str, ...]:
    """Give a new programme its name, title and profile, and return what has been assumed, and what is not chosen."""
    if folder.begun:
        return ()
    here = into.resolve().name
    chosen = {
        "programme": beginning.name or name_for(here, (), "programme"),
        "title": beginning.title or here,
        **({"profile": beginning.profile} if beginning.profile else {}),
    }
    folder.begin(chosen)
    asked = {"programme": beginning.name, "title": beginning.title, "profile": beginning.profile}
    options = {"programme": "--name", "title": "--title"}
    assumed = (
        _("assumed: {field} is '{value}'; {option} sets it").format(field=field, value=value, option=options[field])
        for field, value in chosen.items()
        if not asked[field]
    )
    missing = () if beginning.profile else (_("no plan is chosen; {mend}").format(mend=_profiles(into)),)
    return (*assumed, *missing)


def _show(merged: Merged, remarks: Sequence[Remark], said: Sequence[str]) -> None:
    if remarks:
        saying.say("\n".join(filter(None, (remarks_text(remarks), causes_text(remarks), mapping_text(remarks)))))
    saying.say("\n".join(said), end="\n" if said else "")
    if merged.changes:
        text = difference(merged.changes)
        console = saying.console()
        if console.is_terminal:
            console.print(Syntax(text, "diff", theme="ansi_dark", background_color="default", word_wrap=True))
        else:
            saying.say(text)
    saying.say(counted(remarks))
    new = _(", ").join(f"{word_of(kind)} {count}" for kind, count in merged.added.items() if count)
    if new or merged.changed:
        saying.say(_("new: {new}; values changed: {changed}").format(new=new or 0, changed=merged.changed))
    elif not merged.files:
        saying.say(_("nothing changes"))
    if merged.questions:
        saying.say(
            _("open questions: {number}; nothing of the rows that they are about is written:").format(
                number=len(merged.questions)
            )
        )
        saying.say(questions_text(merged.questions))
    if merged.unheard:
        saying.say(_("these words answer no question: {words}").format(words=_(", ").join(merged.unheard)))


def _agreed(merged: Merged, *, yes: bool, as_json: bool) -> bool:
    """Return whether the changes are to be written."""
    if not merged.files:
        return False
    if yes:
        return True
    if as_json or not sys.stdin.isatty():
        saying.say(_("nothing is written; --yes writes it"), error=True)
        return False
    return _yes()


def _told(merged: Merged, remarks: Sequence[Remark], *, written: bool) -> Mapping[str, object]:
    return {
        "written": written,
        "files": [{"file": str(change.file), "new": not change.before} for change in merged.changes],
        "added": {kind: count for kind, count in merged.added.items() if count},
        "changed": merged.changed,
        "difference": difference(merged.changes),
        "questions": [question.model_dump(mode="json") for question in merged.questions],
        "unheard": list(merged.unheard),
        "remarks": [remark.model_dump(mode="json") for remark in remarks],
    }


def join_departments(one: str, into: str, inventory: Path, *, yes: bool, as_json: bool) -> int:
    """Make one department of two and return the exit status: 1 where it was not agreed to."""
    with held(inventory):
        folder, memory = Folder(inventory), Memory.read(inventory)
        before = memory.text()
        source, target = join(folder, memory, one, into)
        changes = folder.changes()
        after = memory.text()
        kept = (Change(FILE, before, after),) if after != before else ()
        if not as_json:
            saying.say(difference(changes))
        told = _("'{one}' ({title}) becomes '{into}' ({other}), and its title is remembered")
        said = told.format(one=source.name, title=source.title, into=target.name, other=target.title)
        agreed = yes or (not as_json and sys.stdin.isatty() and _yes())
        if agreed:
            write(inventory, (*changes, *kept))
    if as_json:
        saying.say(json.dumps({"written": agreed, "files": [str(each.file) for each in changes]}, ensure_ascii=False))
    else:
        saying.say(said if agreed else _("nothing is written; --yes writes it"))
    return 0 if agreed else 1


def _yes() -> bool:
    return input(_("write this? [y/N] ")).strip().lower() in {"y", "yes", "是"}


def show_answers(inventory: Path, *, as_json: bool) -> int:
    """Tell which departments have answered the survey and return the exit status: 1 where one is silent."""
    found = answers(Folder(inventory))
    told = [each.model_dump(mode="json") for each in found]
    saying.say(json.dumps({"departments": told}, ensure_ascii=False) if as_json else answers_text(found))
    return 1 if any(each.state == "silent" for each in found) else 0


def write_sheets(inventory: Path, out: Path | None, *, as_json: bool) -> int:
    """Write the sheets that departments fill in and return the exit status; sheets that are there are not touched."""
    if inventory.exists() and not inventory.is_dir():
        inventory_folder(inventory)
    target = out if out is not None else inventory / "sheets"
    with held(inventory):
        memory = Memory.read(inventory)
        before = memory.text()
        books = workbooks(Folder(inventory), memory)
        taken = [book.name for book in books if _differs(target, book)]
        if taken:
            told = _("these files are there already and say something else; choose another folder with --out: {files}")
            saying.say(told.format(files=", ".join(taken)), error=True)
            return 1
        target.mkdir(parents=True, exist_ok=True)
        for book in books:
            (target / book.name).write_bytes(book.content)
        if memory.text() != before:
            write(inventory, (Change(FILE, before, memory.text()),))
    files = [str(target / book.name) for book in books]
    saying.say(json.dumps({"files": files}, ensure_ascii=False) if as_json else "\n".join(files))
    return 0


def _differs(folder: Path, book: Workbook) -> bool:
    file = folder / book.name
    return file.exists() and file.read_bytes() != book.content
