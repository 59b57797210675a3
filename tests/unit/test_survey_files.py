"""Files of survey sheets: formats by content, broken and hostile ones, links, and any bytes at all."""

import io
import os
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.survey.entries import Entry, Remark, Weight
from inventory.survey.opening.workbooks import Engine, read_file
from inventory.survey.reading import read_sheets

ROWS = (("系统名称", "功能描述", "部门"), ("水费征收系统", "收水费", "水务局"))
CSV = "系统名称,功能描述,部门\n水费征收系统,收水费,水务局\n"


MANIFEST = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'


def workbook(file: Path, rows: tuple[tuple[object, ...], ...] = ROWS) -> Path:
    book = xlsxwriter.Workbook(str(file))
    page = book.add_worksheet("系统")
    for number, row in enumerate(rows):
        page.write_row(number, 0, row)
    book.close()
    return file


def changed(
    file: Path, members: Mapping[str, Callable[[bytes], bytes]], extra: Mapping[str, bytes] | None = None
) -> Path:
    """Write a workbook anew with some of its members changed and others added."""
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, members.get(name, bytes)(old.read(name)))
        for name, content in (extra or {}).items():
            new.writestr(name, content)
    return file


def compound(streams: Mapping[str, bytes]) -> bytes:
    """Return an OLE container; its streams are padded so that none is small enough to need a second table."""
    end, free = 0xFFFFFFFE, 0xFFFFFFFF
    fat = [0xFFFFFFFD, end]
    entries = [("Root Entry", 5, 1, end, 0)]
    body = b""
    for name, content in streams.items():
        padded = content.ljust(4096, b"\0")
        padded += b"\0" * (-len(padded) % 512)
        first, count = len(fat), len(padded) // 512
        fat.extend([*range(first + 1, first + count), end])
        entries.append((name, 2, free, first, len(padded)))
        body += padded
    directory = b""
    for index, (name, kind, child, start, size) in enumerate(entries):
        encoded = (name + "\0").encode("utf-16-le")
        following = index + 1 if 0 < index < len(entries) - 1 else free
        directory += encoded.ljust(64, b"\0") + struct.pack("<HBB3I", len(encoded), kind, 1, free, following, child)
        directory += bytes(36) + struct.pack("<IQ", start, size)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<9I", 0, 1, 1, 0, 4096, end, 0, end, 0) + struct.pack("<109I", 0, *[free] * 108)
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(512, b"\xff")
    return head + table + directory.ljust(512, b"\0") + body


def record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def xls(rows: tuple[tuple[object, ...], ...] = ROWS) -> bytes:
    """Return a workbook of Excel 97."""
    sheet = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            text = str(cell)
            place = struct.pack("<HHH", row, column, 0)
            sheet += record(0x204, place + struct.pack("<HB", len(text), 1) + text.encode("utf-16-le"))
    sheet += record(0x0A, b"")
    begin = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + record(0x42, struct.pack("<H", 1200))
    name = struct.pack("<BB", 2, 1) + "系统".encode("utf-16-le")
    offset = len(begin) + 4 + 6 + len(name) + 4
    return compound(
        {"Workbook": begin + record(0x85, struct.pack("<IH", offset, 0) + name) + record(0x0A, b"") + sheet}
    )


def ods(table: str) -> bytes:
    spaces = " ".join(
        f'xmlns:{word}="urn:oasis:names:tc:opendocument:xmlns:{word}:1.0"' for word in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {spaces}><office:body><office:spreadsheet>'
        f'<table:table table:name="系统">{table}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", MANIFEST)
        archive.writestr("content.xml", content)
    return packed.getvalue()


def ods_row(cells: tuple[object, ...], more: str = "") -> str:
    written = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in cells
    )
    return f"<table:table-row {more}>{written}</table:table-row>"


def read(path: Path) -> tuple[tuple[Entry, ...], tuple[Remark, ...]]:
    return read_sheets([path])


def only_error(path: Path) -> str:
    """Return what is expected of a file that gives nothing but one error."""
    entries, remarks = read(path)
    errors = [remark.expected for remark in remarks if remark.severity is Weight.ERROR]
    assert entries == ()
    assert len(errors) == 1
    return errors[0]


@pytest.mark.parametrize(
    "content",
    [
        CSV.encode("utf-8"),
        CSV.encode("utf-8-sig"),
        CSV.encode("gb18030"),
        CSV.encode("utf-16"),
        CSV.replace(",", "\t").encode("gb18030"),
        CSV.replace(",", ";").encode("utf-8"),
        xls(),
        ods("".join(map(ods_row, ROWS))),
    ],
    ids=["utf-8", "utf-8 with mark", "gb18030", "utf-16", "tabs", "semicolons", "xls", "ods"],
)
@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".xls", ".ods", ""])
def test_the_content_decides_the_format_and_not_the_name(tmp_path: Path, content: bytes, suffix: str) -> None:
    file = tmp_path / f"survey{suffix}"
    file.write_bytes(content)
    (entry,), remarks = read(file)
    assert (entry.title, entry.department, entry.values) == ("水费征收系统", "水务局", {"survey.function": "收水费"})
    assert {remark.severity for remark in remarks} <= {Weight.NOTE}


def test_an_xlsx_by_the_name_of_an_xls_is_read(tmp_path: Path) -> None:
    file = workbook(tmp_path / "a.xlsx").rename(tmp_path / "a.xls")
    (entry,), remarks = read(file)
    assert (entry.title, remarks) == ("水费征收系统", ())


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "it is empty"),
        (b"   \n\n", "it is empty"),
        (b"PK\x03\x04" + b"\0" * 100, "it is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000, "it is damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "a workbook"),
        (b"%PDF-1.4\n%more", "a PDF has no cells"),
        (b"<html><table><tr><td>x</td></tr></table></html>", "a web page or document"),
        (b"<meta charset=gb2312><table border=1><tr><td>x</td></tr></table>", "a web page or document"),
        (b"<style>td {}</style>\n<div><table><tr><td>x</td></tr></table></div>", "a web page or document"),
        (b"MIME-Version: 1.0\nX-Document-Type: Workbook\n\n--x", "a web page or document"),
        (compound({"EncryptionInfo": b"x", "EncryptedPackage": b"y"}), "protected by a password"),
        (xls()[:1500], "it is damaged"),
    ],
)
def test_what_is_no_sheet_is_one_error_with_its_reason(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "a.xlsx"
    file.write_bytes(content)
    assert said in only_error(file)


def test_a_cut_off_workbook_is_damaged(tmp_path: Path) -> None:
    file = workbook(tmp_path / "a.xlsx")
    file.write_bytes(file.read_bytes()[:-200])
    assert "it is damaged" in only_error(file)


def test_an_archive_of_something_else_is_no_workbook(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert "no workbook" in only_error(file)


def test_a_bomb_is_refused_by_what_it_says_of_itself(tmp_path: Path) -> None:
    file = changed(workbook(tmp_path / "a.xlsx"), {}, {"xl/media/image1.png": bytes(300 * 1024 * 1024)})
    assert "unpack to more" in only_error(file)
    file = changed(workbook(tmp_path / "a.xlsx"), {}, {"xl/media/image1.png": bytes(20 * 1024 * 1024)})
    assert "unpack to more" in only_error(file)


def test_a_bomb_that_lies_about_its_size_is_damaged(tmp_path: Path) -> None:
    file = changed(workbook(tmp_path / "a.xlsx"), {}, {"xl/media/image1.png": bytes(20 * 1024 * 1024)})
    content = file.read_bytes()
    size = struct.pack("<I", 20 * 1024 * 1024)
    assert content.count(size) == 2
    file.write_bytes(content.replace(size, struct.pack("<I", 1000)))
    assert "it is damaged" in only_error(file)


def test_one_text_shown_in_very_many_cells_ends_the_reader_and_not_us(tmp_path: Path) -> None:
    file = workbook(tmp_path / "a.xlsx", (("x" * 30_000,),))
    cells = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (row, row) for row in range(1, 200_000))

    def many(sheet: bytes) -> bytes:
        start, end = sheet.index(b"<sheetData>") + 11, sheet.index(b"</sheetData>")
        return sheet[:start] + cells + sheet[end:]

    changed(file, {"xl/worksheets/sheet1.xml": many})
    workbook(tmp_path / "b.xlsx")
    entries, remarks = read(tmp_path)
    assert [entry.title for entry in entries] == ["水费征收系统"]
    assert [remark.place.file.name for remark in remarks if remark.severity is Weight.ERROR] == ["a.xlsx"]


def test_a_reader_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with Engine(seconds=0.0) as engine:
        grids, remarks = read_file(workbook(tmp_path / "a.xlsx"), engine)
    assert grids == ()
    assert "out of memory or time" in remarks[0].expected


def test_a_reader_that_gets_too_little_of_a_busy_machine_is_told_so(tmp_path: Path) -> None:
    with Engine(clock=0.0) as engine:
        grids, remarks = read_file(workbook(tmp_path / "a.xlsx"), engine)
    assert grids == ()
    assert "too busy" in remarks[0].expected


def test_a_million_empty_rows_are_no_burden(tmp_path: Path) -> None:
    rows = b"".join(b'<row r="%d" spans="1:3"/>' % row for row in range(3, 1_000_000))
    file = workbook(tmp_path / "a.xlsx")
    changed(file, {"xl/worksheets/sheet1.xml": lambda sheet: sheet.replace(b"</sheetData>", rows + b"</sheetData>")})
    (entry,), remarks = read(file)
    assert (entry.title, remarks) == ("水费征收系统", ())


def test_a_value_far_away_costs_its_sheet_only(tmp_path: Path) -> None:
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    file = workbook(tmp_path / "a.xlsx")
    changed(file, {"xl/worksheets/sheet1.xml": lambda sheet: sheet.replace(b"</sheetData>", far)})
    assert "far away" in only_error(file)


def test_repeated_rows_of_an_ods_are_counted_before_they_are_made(tmp_path: Path) -> None:
    file = tmp_path / "a.ods"
    file.write_bytes(ods(ods_row(ROWS[0]) + ods_row(ROWS[1], 'table:number-rows-repeated="900000000"')))
    assert "far away" in only_error(file)


def test_entities_are_refused(tmp_path: Path) -> None:
    file = workbook(tmp_path / "a.xlsx")
    laughs = b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    changed(file, {"xl/workbook.xml": lambda xml: laughs + xml.split(b"?>", 1)[1]})
    assert "declares entities" in only_error(file)


def test_links_to_other_workbooks_are_not_followed(tmp_path: Path) -> None:
    file = changed(workbook(tmp_path / "a.xlsx"), {}, {"xl/externalLinks/externalLink1.xml": b"<externalLink/>"})
    (entry,), (remark,) = read(file)
    assert entry.title == "水费征收系统"
    assert (remark.severity, "refers to other files" in remark.expected) == (Weight.NOTE, True)


def test_links_out_of_a_folder_are_refused(tmp_path: Path) -> None:
    outside = workbook(tmp_path / "outside.xlsx")
    folder = tmp_path / "folder"
    (folder / "deeper").mkdir(parents=True)
    workbook(folder / "deeper" / "a.xlsx")
    (folder / "b.xlsx").symlink_to(outside)
    (folder / "c").symlink_to(tmp_path)
    (folder / "d.xlsx").symlink_to(folder / "deeper" / "a.xlsx")
    entries, remarks = read(folder)
    assert [entry.places[""].file for entry in entries] == [folder / "deeper" / "a.xlsx"]
    assert {(remark.place.file.name, remark.severity) for remark in remarks} == {
        ("b.xlsx", Weight.ERROR),
        ("c", Weight.ERROR),
        ("d.xlsx", Weight.NOTE),
    }


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xlsx")
    (tmp_path / "~$a.xlsx").write_bytes(b"lock")
    os.close(os.open(os.fsencode(tmp_path) + b"/\xff\xfe.csv", os.O_CREAT))
    entries, remarks = read_sheets([tmp_path, tmp_path / "missing.xlsx"])
    assert entries == ()
    assert len(remarks) == 4
    assert all(str(remark.place).isprintable() for remark in remarks)


@settings(max_examples=60)
@given(st.one_of(st.binary(max_size=600), st.text(max_size=300).map(lambda text: text.encode("utf-8", "ignore"))))
def test_any_bytes_are_read_without_an_exception(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("any") / "a.csv"
    file.write_bytes(content)
    entries, remarks = read(file)
    assert entries or remarks


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["xlsx", "xls", "ods"]),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_a_workbook_with_changed_bytes_is_read_without_an_exception(
    tmp_path: Path, kind: str, changes: list[tuple[int, int]]
) -> None:
    file = tmp_path / "a"
    whole = {"xlsx": workbook(file).read_bytes(), "xls": xls(), "ods": ods("".join(map(ods_row, ROWS)))}
    content = bytearray(whole[kind])
    for position, value in changes:
        content[position % len(content)] = value
    file.write_bytes(content)
    entries, remarks = read(file)
    assert entries or remarks


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.text(st.sampled_from('系统名称部门1上同〃合计注:：,"\n是填报单位(万元)'), max_size=6), max_size=5),
        max_size=8,
    )
)
def test_any_table_is_read_without_an_exception(tmp_path: Path, rows: list[list[str]]) -> None:
    file = tmp_path / "a.csv"
    file.write_text("\n".join(",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows))
    entries, remarks = read(file)
    assert entries or remarks
