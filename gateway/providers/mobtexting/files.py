"""Files of numbers: text, CSV and Excel; and the XML form of sending. Limits come before anything is unpacked."""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.parsers import expat

import openpyxl
import xlrd

from gateway.providers.mobtexting.request import Refused, invalid

MAX_ROWS: Final = 100_000
MAX_COLUMNS: Final = 64
MAX_UNPACKED_OCTETS: Final = 64 << 20
MAX_CELL: Final = 4_096
"""Characters: files of Excel can name one long text in each of their cells."""
MAX_DEPTH: Final = 8
NUMBER_COLUMNS: Final = ("mobile", "number", "phone", "to", "receiver", "msisdn")

csv.field_size_limit(MAX_CELL)


@dataclass(frozen=True, slots=True)
class Row:
    """One receiver, and what its row says."""

    number: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of a file."""

    cells: Sequence[Sequence[str]]

    def rows(self, column: str) -> Iterator[Row]:
        """Every receiver, from the column of this name or number; by default from the one that looks like it.

        Raises:
            Refused: there is no such column.
        """
        if not self.cells:
            return
        head = [cell.strip() for cell in self.cells[0]]
        has_head = not any(_is_number(cell) for cell in head)
        at = self._column(head, has_head, column)
        for cells in self.cells[1:] if has_head else self.cells:
            number = cells[at].strip() if at < len(cells) else ""
            if number:
                names = head if has_head else [str(index + 1) for index in range(len(cells))]
                yield Row(number, dict(zip(names, (cell.strip() for cell in cells), strict=False)))

    @staticmethod
    def _column(head: Sequence[str], has_head: bool, wanted: str) -> int:
        lowered = [name.lower() for name in head]
        if wanted:
            if has_head and wanted.lower() in lowered:
                return lowered.index(wanted.lower())
            if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= MAX_COLUMNS:
                return int(wanted) - 1
            raise invalid("column", "The selected column is not in the file.")
        return next((lowered.index(name) for name in NUMBER_COLUMNS if name in lowered), 0)


def read_table(name: str, content: bytes) -> Table:
    """The cells of a txt, csv, xls or xlsx file.

    Raises:
        Refused: it is another kind of file, too large, or broken.
    """
    kind = name.lower().rpartition(".")[2]
    if kind == "xlsx":
        return Table(_excel(content))
    if kind == "xls":
        return Table(_old_excel(content))
    if kind not in ("txt", "csv"):
        raise invalid("file", "The file must be a file of type: txt, csv, xls, xlsx.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise invalid("file", "The file must be UTF-8 text.") from None
    try:
        dialect: Any = csv.Sniffer().sniff(text[:4_096], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    return Table(_limited(csv.reader(io.StringIO(text), dialect)))


def _limited(rows: Iterator[Sequence[object]]) -> list[list[str]]:
    cells = []
    try:
        for at, row in enumerate(rows):
            if at >= MAX_ROWS:
                raise invalid("file", f"The file may not have more than {MAX_ROWS} rows.")
            cells.append([_text(cell) for cell in row[:MAX_COLUMNS]])
    except csv.Error as error:
        raise invalid("file", f"The file cannot be read: {error}.") from None
    return cells


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        # Excel keeps every number as a float.
        return str(int(cell))
    text = "" if cell is None else str(cell)
    if len(text) > MAX_CELL:
        raise invalid("file", f"A cell may not have more than {MAX_CELL} characters.")
    return text


def _excel(content: bytes) -> list[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > MAX_UNPACKED_OCTETS:
                raise invalid("file", "The file is too large.")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            return _limited(iter(sheet.iter_rows(values_only=True)))
        finally:
            book.close()
    except Refused:
        raise
    except Exception as error:
        # Whatever that library raises on a broken file, it is the file's fault.
        raise invalid("file", f"The file cannot be read: {type(error).__name__}.") from None


def _old_excel(content: bytes) -> list[list[str]]:
    """What Excel wrote before 2007: it is not compressed, so that its size bounds what is in it.

    Rows are read as long as they are: whoever fills them up to a rectangle can be made to fill gigabytes by a cell in
    the last corner.
    """
    try:
        book = xlrd.open_workbook(file_contents=content, on_demand=True, ragged_rows=True, logfile=io.StringIO())
        sheet = book.sheet_by_index(0)
        return _limited(sheet.row_values(at) for at in range(sheet.nrows))
    except Refused:
        raise
    except Exception as error:
        raise invalid("file", f"The file cannot be read: {type(error).__name__}.") from None


def _is_number(cell: str) -> bool:
    stripped = cell.strip().lstrip("+").replace(" ", "").replace("-", "")
    return stripped.isascii() and stripped.isdigit() and len(stripped) >= 5


# XML.


def read_xml(content: bytes) -> tuple[dict[str, object], list[dict[str, object]]]:
    """The fields of <root> and of every <node>.

    Raises:
        Refused: it is no XML, or has a document type: nothing of ours has one, and entities come from there.
    """
    reader = _Reader()
    parser = expat.ParserCreate(encoding=None)
    parser.buffer_text = True
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Refused(400, f"The XML cannot be read: {expat.errors.messages[error.code]}.") from None
    return reader.root, reader.nodes


class _Reader:
    """Collects texts by the path of their element."""

    def __init__(self) -> None:
        self.root: dict[str, object] = {}
        self.nodes: list[dict[str, object]] = []
        self._path: list[str] = []
        self._pieces: list[str] = []

    def begin(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append(name)
        self._pieces = []
        if len(self._path) > MAX_DEPTH:
            raise Refused(400, "The XML is nested too deep.")
        if self._path == ["data", "nodes", "node"]:
            if len(self.nodes) >= MAX_ROWS:
                raise invalid("nodes", f"There may not be more than {MAX_ROWS} nodes.")
            self.nodes.append({})

    def text(self, piece: str) -> None:
        self._pieces.append(piece)

    def end(self, name: str) -> None:
        text = "".join(self._pieces)
        if self._path[:-1] == ["data", "root"]:
            self.root[name] = text
        elif self._path[:-1] == ["data", "nodes", "node"]:
            self.nodes[-1][name] = text
        self._path.pop()
        self._pieces = []

    def refuse_doctype(self, *_declared: object) -> None:
        raise Refused(400, "The XML may not have a document type.")
