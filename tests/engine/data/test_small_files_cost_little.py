"""No file under 1 MB costs more than 200 MB: archives, tables, sheets and pictures that unpack to mountains.

One child process reads them all; its peak is set back before each by the system's own count (`clear_refs`, proc(5)).
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xlwt
from PIL import Image

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is counted by Linux alone")

MOST_MB = 200
MB = 2**20
ASK = """
import json, sys, time, warnings
from pathlib import Path
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, Fraction
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.data.pictures.decode import decode
from dnnstudio.engine.data.recognize import recognize
import fastexcel

def kilobytes(what):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(what))

def read(path):
    found = recognize([path])
    if found.source is None:
        return decode(path, 28, 28, color=False)
    return load_dataset(Data(source=found.source, validation=Fraction(fraction=0.2)), seed=1)

told = {}
for path in map(Path, sys.argv[1:]):
    Path("/proc/self/clear_refs").write_text("5")
    before, said = kilobytes("VmRSS:"), "read"
    try:
        read(path)
    except UserError as error:
        said = str(error)
    told[path.name] = [(kilobytes("VmHWM:") - before) / 1024, said]
print(json.dumps(told))
"""


def zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield bytes(min(count, MB))
        count -= MB


def write_npz(path: Path, shape: tuple[int, ...], kind: str) -> None:
    """Rows of zeros under labels of ten classes, compressed."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": kind, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("x.npy", "w", force_zip64=True) as file:
            file.write(head.getvalue())
            for piece in zeros(int(np.prod(shape)) * np.dtype(kind).itemsize):
                file.write(piece)
        with archive.open("y.npy", "w") as file:
            np.lib.format.write_array(file, np.arange(shape[0], dtype=np.uint8) % 10)


def write_idx(folder: Path, count: int) -> Path:
    with gzip.open(folder / "train-images-idx3-ubyte.gz", "wb") as file:
        file.write(struct.pack(">4B3I", 0, 0, 8, 3, count, 28, 28))
        for piece in zeros(count * 784):
            file.write(piece)
    with gzip.open(folder / "train-labels-idx1-ubyte.gz", "wb") as file:
        file.write(struct.pack(">4BI", 0, 0, 8, 1, count) + bytes(number % 10 for number in range(count)))
    return folder / "train-images-idx3-ubyte.gz"


def write_gzip(path: Path, head: bytes, piece: bytes, times: int) -> None:
    with gzip.open(path, "wb") as file:
        file.write(head)
        for _ in range(times):
            file.write(piece)


SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
ODS = "urn:oasis:names:tc:opendocument:xmlns"


def relation(kind: str, target: str) -> str:
    return (
        f'<Relationships xmlns="{RELATIONS}"><Relationship Id="rId1" Type="{OFFICE}/{kind}" Target="{target}"/>'
        "</Relationships>"
    )


def write_xlsx(path: Path, rows: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_rels/.rels", relation("officeDocument", "xl/workbook.xml"))
        archive.writestr("xl/_rels/workbook.xml.rels", relation("worksheet", "worksheets/sheet1.xml"))
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets>'
            "</workbook>",
        )
        sheet = f'<worksheet xmlns="{SHEET}"><sheetData>{rows}</sheetData></worksheet>'
        archive.writestr("xl/worksheets/sheet1.xml", sheet)


def write_ods(path: Path, rows: str) -> None:
    names = f'xmlns:office="{ODS}:office:1.0" xmlns:table="{ODS}:table:1.0" xmlns:text="{ODS}:text:1.0"'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet><table:table table:name='S'>{rows}"
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )


def cell_of_ods(repeated: int = 1) -> str:
    about = f'office:value-type="float" office:value="1" table:number-columns-repeated="{repeated}"'
    return f"<table:table-cell {about}><text:p>1</text:p></table:table-cell>"


def write_all(folder: Path) -> dict[Path, str]:
    """Files, and a part of what is said of each; "read" of those that are read."""
    cells = "<c><v>1</v></c><c><v>2</v></c>"
    write_npz(folder / "zeros.npz", (300_000, 28, 28), "|u1")
    write_npz(folder / "doubles.npz", (100_000, 784), "<f8")
    write_gzip(folder / "short.csv.gz", b"a,b,c\n", b"1,2,0\n1,3,1\n" * 10_000, 110)
    write_gzip(folder / "blank.csv.gz", b"a,b,c\n", b" " * MB, 200)
    pl.DataFrame({name: np.zeros(8_000_000) for name in "ab"}).write_parquet(folder / "zeros.parquet")
    write_xlsx(folder / "far.xlsx", f'<row r="1">{cells}</row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>')
    write_xlsx(folder / "beyond.xlsx", f'<row r="1">{cells}</row><row><c r="ZZZ9999999"><v>2</v></c></row>')
    write_xlsx(
        folder / "small.xlsx", f'<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="a900000"/>{cells}</row>'
    )
    write_xlsx(folder / "many.xlsx", f"<row>{cells}</row>" * 1_100_000)
    write_ods(
        folder / "repeated.ods",
        f'<table:table-row table:number-rows-repeated="300000">{cell_of_ods(100)}</table:table-row>',
    )
    deep = Image.fromarray(np.zeros((6_300, 6_300), np.uint16))
    deep.save(folder / "deep.png")
    deep.convert("I").convert("F").save(folder / "float.tif", compression="tiff_adobe_deflate")
    wide = ",".join("1" * 60_000)
    (folder / "wide.csv").write_text(f"{','.join(f'c{place}' for place in range(60_000))}\n{wide}\n{wide}\n{wide}\n")
    most = [",".join(f"{(row * place) % 10}" for place in range(9_999)) for row in range(45)]
    (folder / "most.csv").write_text("\n".join([",".join(f"c{place}" for place in range(9_999)), *most]))
    packed = "far more than real data of that size"
    return {
        folder / "zeros.npz": packed,
        folder / "doubles.npz": packed,
        write_idx(folder, 250_000): packed,
        folder / "short.csv.gz": packed,
        folder / "blank.csv.gz": "holds more than",
        folder / "zeros.parquet": packed,
        folder / "far.xlsx": "would need 1,099.5 GB of memory",
        folder / "beyond.xlsx": "it is damaged",
        folder / "small.xlsx": packed,
        folder / "many.xlsx": packed,
        folder / "repeated.ods": packed,
        folder / "deep.png": "read",
        folder / "float.tif": "pixels are too many for",
        folder / "wide.csv": "60,000 columns",
        folder / "most.csv": "read",
    }


@pytest.mark.thorough
def test_no_file_under_a_megabyte_costs_more_than_200(tmp_path: Path) -> None:
    files = write_all(tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK, *map(str, files)], capture_output=True, text=True, check=True
    )
    told: dict[str, tuple[float, str]] = json.loads(done.stdout.splitlines()[-1])
    for path, expected in files.items():
        cost, said = told[path.name]
        assert path.stat().st_size < MB, path.name
        assert expected in said, (path.name, said)
        assert len(said) <= 400
        assert cost < MOST_MB, (path.name, cost)


def test_a_cell_far_away_is_refused_before_its_sheet_is_read(tmp_path: Path) -> None:
    from dnnstudio.core.errors import UserError
    from dnnstudio.core.experiment.data import Table
    from dnnstudio.engine.data.reading import Watch
    from dnnstudio.engine.data.tables.files import read_cells

    cell = '<c r="{}"><v>2</v></c>'
    write_xlsx(tmp_path / "far.xlsx", f'<row r="1">{cell.format("A1")}</row><row>{cell.format("XFD1048576")}</row>')
    with pytest.raises(UserError, match=r"far.xlsx would need 1,099.5 GB"):
        read_cells(Table(path=""), tmp_path / "far.xlsx", Watch())
    rows = "".join(f"<row>{cell.format(f'A{n}')}{cell.format(f'B{n}')}</row>" for n in range(1, 9))
    write_xlsx(tmp_path / "near.xlsx", rows)
    assert read_cells(Table(path=""), tmp_path / "near.xlsx", Watch()).frame.shape == (8, 2)


def write_xls(path: Path, cells: dict[tuple[int, int], object]) -> Path:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("cells")
    for (row, column), value in cells.items():
        sheet.write(row, column, value)
    book.save(str(path))
    return path


@pytest.mark.parametrize("value", [1.5, 7, "text", True, xlwt.Formula("1+1")])
def test_a_cell_far_away_in_an_old_sheet_is_refused_too(tmp_path: Path, value: object) -> None:
    """Of 5 kB, which cost a gigabyte."""
    from dnnstudio.core.errors import UserError
    from dnnstudio.core.experiment.data import Table
    from dnnstudio.engine.data.reading import Watch
    from dnnstudio.engine.data.tables.files import read_cells

    far = write_xls(tmp_path / "far.xls", {(0, 0): "a", (0, 1): "b", (65_535, 255): value})
    with pytest.raises(UserError, match=r"would need 1\.1 GB of memory"):
        read_cells(Table(path=""), far, Watch())
    near = write_xls(tmp_path / "near.xls", {(row, column): row + column for row in range(8) for column in range(2)})
    assert read_cells(Table(path=""), near, Watch()).frame.shape == (8, 2)


@pytest.mark.parametrize("end", [100, 512, 3_000])
def test_an_old_sheet_that_is_cut_is_refused(tmp_path: Path, end: int) -> None:
    from dnnstudio.core.errors import UserError
    from dnnstudio.core.experiment.data import Table
    from dnnstudio.engine.data.reading import Watch
    from dnnstudio.engine.data.tables.files import read_cells

    path = write_xls(tmp_path / "cut.xls", {(row, column): row + column for row in range(99) for column in range(9)})
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(UserError, match="cannot be read as a sheet"):
        read_cells(Table(path=""), path, Watch())


def test_a_very_wide_table_holds_what_its_columns_hold(tmp_path: Path) -> None:
    """It is parsed some columns at a time, of numbers, of texts and with missing cells alike."""
    from dnnstudio.core.experiment.data import Table
    from dnnstudio.engine.data.reading import Watch
    from dnnstudio.engine.data.tables.files import read_cells

    draw = np.random.default_rng(5)
    rows = [[("", "a b", "1.5", "7")[place] for place in draw.integers(0, 4, 3_500)] for _ in range(6)]
    lines = [",".join(f"c{place}" for place in range(3_500)), *map(",".join, rows)]
    (tmp_path / "wide.csv").write_text("\n".join(lines))
    frame = read_cells(Table(path=""), tmp_path / "wide.csv", Watch()).frame
    assert frame.columns == lines[0].split(",")
    found = [[cell or "" for cell in row] for row in frame.rows()]
    assert found == rows
