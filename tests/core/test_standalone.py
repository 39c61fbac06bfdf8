"""What scripts quote: it stands alone, and it is found where the program runs from a zip file too."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import dnnstudio
from dnnstudio.core.export.borrowed import constants, definitions
from dnnstudio.standalone import drawing

PACKAGE = Path(dnnstudio.__file__).parent
MODULES = sorted(path.stem for path in (PACKAGE / "standalone").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("module", MODULES)
def test_a_standalone_module_imports_keras_and_numpy_alone(module: str) -> None:
    tree = ast.parse((PACKAGE / "standalone" / f"{module}.py").read_text())
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None and node.level == 0
            imported.add(node.module.split(".")[0])
    assert imported - set(sys.stdlib_module_names) <= {"keras", "numpy"}


def test_the_quoted_function_draws_the_rows_that_the_engine_draws() -> None:
    names: dict[str, object] = {"np": np, "Index": np.ndarray, "Array": np.ndarray}
    exec(definitions("drawing")["draw"], names)
    quoted = names["draw"]
    assert callable(quoted)
    labels = np.repeat([0, 1, 2], [50, 7, 3])
    rows = np.arange(len(labels))
    for mine, theirs in zip(drawing.draw(rows, labels, 12, seed=3), quoted(rows, labels, 12, 3), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_constants_are_the_ones_that_the_engine_uses() -> None:
    assert constants("drawing") == {"TEST_SEED": drawing.TEST_SEED}


def test_a_program_in_a_zip_file_writes_the_same_script(tmp_path: Path) -> None:
    archive = tmp_path / "program.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for folder in ("core", "standalone"):
            for file in (PACKAGE / folder).rglob("*.py"):
                packed.write(file, file.relative_to(PACKAGE.parent))
        packed.write(PACKAGE / "__init__.py", "dnnstudio/__init__.py")
    code = (
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from dnnstudio.core.export import borrowed\n"
        "assert borrowed.__file__.startswith(sys.argv[1]), borrowed.__file__\n"
        "print(borrowed.definitions('layers')['AxesBatchNormalization'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(archive)], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip("\n") == definitions("layers")["AxesBatchNormalization"]
    assert "\nclass AxesBatchNormalization(" in done.stdout
