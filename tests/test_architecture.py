"""The rules of the house, kept by a walk over the imports and by looking at what a fresh interpreter loads."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .import_walk import PACKAGE, ROOT, imports_of, imports_under, is_ours, source_files, tree_of

QT = {"PySide6", "shiboken6", "pyqtgraph", "qtawesome", "superqt", "qtpy", "PyQt5", "PyQt6"}
KERAS = {"tensorflow", "keras"}
CLUSTER = {"dask", "distributed", "cryptography"}
"""What the extra of that name brings, and `runner/cluster` alone imports, in functions."""
HEAVY = QT | KERAS | {"sklearn", "scipy", "h5py", "polars", "PIL", "pooch"}
MAX_LINES = 400
LOADERS = re.compile(r"load_model|load_weights|from_config|model_from_json|deserialize\w*|clone_model_from_config")


def test_core_imports_only_plain_python_numpy_and_pydantic() -> None:
    allowed = set(sys.stdlib_module_names) | {"numpy", "pydantic", "pydantic_core"}
    wrong = [
        item.place
        for item in imports_under("dnnstudio/core")
        if item.top not in allowed and not is_ours(item.module, "core", "__version__")
    ]
    assert wrong == []


def test_keras_internals_are_named_in_one_module_alone() -> None:
    """Private members of objects that are not one's own, and modules that Keras and TensorFlow do not promise."""
    wrong = []
    for file in source_files("dnnstudio/engine", "dnnstudio/standalone"):
        if file.name == "keras_internals.py":
            continue
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Attribute) and re.match(r"_[^_]", node.attr):
                owner = ast.unparse(node.value)
                if owner not in ("self", "cls", "hashlib"):
                    wrong.append(f"{file.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}")
        unpromised = ("keras.src", "tensorflow.python")
        wrong += [item.place for item in imports_of(file) if item.module.startswith(unpromised)]
    assert wrong == []


def test_the_engine_imports_no_qt_and_no_window() -> None:
    wrong = [
        item.place
        for item in imports_under("dnnstudio/engine")
        if item.top in QT or is_ours(item.module, "gui", "app", "cli")
    ]
    assert wrong == []


def test_a_runner_imports_the_engine_in_its_child_alone() -> None:
    """The parent stays light; the child imports TensorFlow once it knows with how many threads."""
    wrong = []
    for item in imports_under("dnnstudio/runner"):
        in_the_child = item.file.name == "child.py" and item.functions
        if item.top in HEAVY or (is_ours(item.module, "engine") and not in_the_child):
            wrong.append(item.place)
    assert wrong == []


def test_reading_data_and_model_files_needs_no_keras() -> None:
    child = PACKAGE / "engine" / "model_files" / "child.py"
    files = [*source_files("dnnstudio/engine/data"), *([child] if child.exists() else [])]
    assert [item.place for file in files for item in imports_of(file) if item.top in KERAS] == []


def test_the_window_never_imports_keras_and_the_engine_only_on_its_thread() -> None:
    wrong = []
    for item in imports_under("dnnstudio/gui"):
        on_the_thread = item.file.name == "engine_thread.py" and "run" in item.functions
        if item.top in KERAS | {"sklearn", "h5py"} or (is_ours(item.module, "engine") and not on_the_thread):
            wrong.append(item.place)
    assert wrong == []


def test_the_command_line_and_the_start_import_qt_and_engine_inside_functions() -> None:
    wrong = []
    for file in [*source_files("dnnstudio/cli"), PACKAGE / "app.py", PACKAGE / "__main__.py"]:
        for item in imports_of(file):
            late = is_ours(item.module, "gui", "engine") or item.top in HEAVY
            at_once = not item.functions and not item.for_types
            if (late and at_once) or (PACKAGE / "cli" in file.parents and item.top in QT):
                wrong.append(item.place)
    assert wrong == []


def test_the_runner_imports_the_engine_in_its_child_alone_and_nothing_of_the_window() -> None:
    allowed = set(sys.stdlib_module_names) | {"numpy", "psutil", "pydantic"}
    wrong = []
    for item in imports_under("dnnstudio/runner"):
        in_the_child = item.file.name == "child.py" and bool(item.functions) and is_ours(item.module, "engine")
        by_optuna = item.file.name in ("choosing.py", "importance.py") and item.top == "optuna"
        chooses = by_optuna and (item.functions or item.for_types)
        joins = "cluster" in item.file.parts and item.top in CLUSTER and (item.functions or item.for_types)
        known = item.top in allowed or is_ours(item.module, "core", "runner")
        if not known and not in_the_child and not chooses and not joins:
            wrong.append(item.place)
    assert [place for place in wrong if not place.endswith("imports dnnstudio")] == []


def test_files_stay_short() -> None:
    files = source_files("dnnstudio", "tests", "tools")
    lengths = {file.relative_to(ROOT).as_posix(): len(file.read_text().splitlines()) for file in files}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def calls(*folders: str) -> Iterator[tuple[Path, ast.Call, str]]:
    """Every call with the last part of the called name."""
    for file in source_files(*folders):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Call):
                function = node.func
                name = getattr(function, "attr", getattr(function, "id", ""))
                yield file, node, name


def test_dialogs_and_windows_are_made_of_one_class_that_fits_the_screen() -> None:
    """`Dialog` and `Window` (`gui/widgets/windows/dialog.py`) alone keep to the screen; ready-made ones do not."""
    wrong = []
    for file in source_files("dnnstudio/gui"):
        place = str(file.relative_to(ROOT))
        for node in ast.walk(tree_of(file)):
            named = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""
            if named in ("QMessageBox", "QInputDialog", "QProgressDialog", "QErrorMessage", "QWizard"):
                wrong.append(f"{place}:{node.lineno} {named}")
            if named == "Qt.WindowType.Window" and place != "dnnstudio/gui/widgets/windows/dialog.py":
                wrong.append(f"{place}:{node.lineno} {named}")
            if isinstance(node, ast.ClassDef) and place != "dnnstudio/gui/widgets/windows/dialog.py":
                bases = [ast.unparse(base) for base in node.bases]
                wrong += [f"{place}:{node.lineno} {node.name}({base})" for base in bases if base.endswith("QDialog")]
                if "QMainWindow" in bases and node.name != "MainWindow":
                    wrong.append(f"{place}:{node.lineno} {node.name}(QMainWindow)")
    assert wrong == []


def test_widgets_are_disabled_with_a_reason() -> None:
    """`set_reason` alone disables, so that what is grey says why. Two are no controls: a menu's head, a scroll bar."""
    allowed = {
        "gui/theme/reasons.py",
        "gui/widgets/menus.py",
        "gui/widgets/gallery.py",
        "gui/predict/rows/answer_list.py",
    }
    wrong = [
        f"{place}:{node.lineno} {ast.unparse(node)}"
        for file, node, name in calls("dnnstudio/gui")
        if name in ("setEnabled", "setDisabled")
        and (place := str(file.relative_to(ROOT / "dnnstudio"))) not in allowed
        and ast.unparse(node.func) != "self.train_button.setEnabled"  # follows its action, which has a reason
    ]
    assert wrong == []


def test_the_window_looks_at_no_file_in_a_way_that_raises() -> None:
    """`Path.exists` and its kind raise in a folder that may not be entered: `core.os_errors` has others."""
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"
        for file, node, name in calls("dnnstudio/gui")
        if name in ("exists", "is_dir", "is_file") and not node.args and not node.keywords
    ]
    assert wrong == []


def test_what_is_new_in_a_workspace_is_made_where_the_workspace_is_there() -> None:
    """A workspace that was removed, or whose drive is away, is not silently begun anew in its place."""
    makers = ("new_run_folder", "new_sweep_folder", "comparison_folder")
    made = [(file, node) for file, node, name in calls("dnnstudio/gui") if name in makers]
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"
        for file, node in made
        if not ast.unparse(node.args[0]).startswith("place_for_new(")
    ]
    assert (wrong, len(made) >= 4) == ([], True)


def test_keras_never_loads_what_a_person_chose() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno} {name}"
        for file, node, name in calls("dnnstudio")
        if LOADERS.fullmatch(name)
    ]
    assert wrong == []


def test_tables_are_not_read_by_genfromtxt() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno} {name}"
        for file, node, name in calls("dnnstudio")
        if name == "genfromtxt"
    ]
    assert wrong == []


def test_no_pickles_are_read() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"
        for file, node, name in calls("dnnstudio")
        if "pickle" in ast.unparse(node.func)
        or any(word.arg == "allow_pickle" and ast.unparse(word.value) != "False" for word in node.keywords)
    ]
    assert wrong == []


def test_engine_signals_are_connected_to_bound_methods() -> None:
    """A lambda or a plain function would run in the engine's thread, where no widget may be touched."""
    wrong = []
    for file, node, name in calls("dnnstudio/gui", "dnnstudio"):
        if name != "connect" or not node.args or not isinstance(node.func, ast.Attribute):
            continue
        receiver = ast.unparse(node.func.value).lower()
        of_engine = "engine" in receiver or "worker" in receiver or file.name == "engine_thread.py"
        if of_engine and isinstance(node.args[0], ast.Lambda):
            wrong.append(f"{file.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}")
    assert wrong == []


def test_tests_use_no_magic_mocks_and_no_fixed_waits() -> None:
    wrong = []
    for file in source_files("tests"):
        names = {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(tree_of(file))}
        wrong += [f"{file.relative_to(ROOT)} {name}" for name in names & {"MagicMock", "Mock"}]
    wrong += [
        f"{file.relative_to(ROOT)}:{node.lineno} qtbot.wait"
        for file, node, name in calls("tests")
        if name == "wait" and ast.unparse(node.func) == "qtbot.wait"
    ]
    assert wrong == []


def test_tracked_files_name_no_package_index() -> None:
    names = [
        "requirements.txt",
        "requirements-test.txt",
        "requirements-keras-2.txt",
        "pyproject.toml",
        "Makefile",
        ".ci/run",
    ]
    index = re.compile(r"--(extra-)?index-url|--find-links|https?://\S*/simple")
    assert [name for name in names if index.search((ROOT / name).read_text())] == []


# ------------------------------------------------------------------------------------- what a fresh interpreter loads


def loaded_by(code: str) -> set[str]:
    """The top-level packages in `sys.modules` after `code` ran in a fresh interpreter."""
    report = "sys.stderr.write(chr(10) + json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    script = f"{code}\nimport json, sys\n{report}"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def module_names(folder: str) -> list[str]:
    files = [file for file in source_files(folder) if file.name != "__main__.py"]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names]


def importing(names: list[str]) -> str:
    return "\n".join(f"import {name}" for name in names)


def test_core_loads_neither_qt_nor_tensorflow() -> None:
    assert loaded_by(importing(module_names("dnnstudio/core"))) & HEAVY == set()


def test_the_engine_package_itself_loads_nothing_heavy() -> None:
    assert loaded_by("import dnnstudio.engine") & (HEAVY | {"numpy"}) == set()


def test_the_runner_loads_neither_qt_nor_tensorflow_nor_dask() -> None:
    assert loaded_by(importing(module_names("dnnstudio/runner"))) & (HEAVY | CLUSTER) == set()


def test_the_data_readers_load_no_keras() -> None:
    assert loaded_by(importing(module_names("dnnstudio/engine/data"))) & (KERAS | QT) == set()


def test_the_window_loads_no_keras() -> None:
    assert loaded_by(importing([*module_names("dnnstudio/gui"), "dnnstudio.app"])) & KERAS == set()


@pytest.mark.parametrize(
    "verb", [["schema"], ["recipes"], ["--help"], ["--version"], ["run", "--help"], ["repeat", "--help"]]
)
def test_light_verbs_load_neither_qt_nor_tensorflow(verb: list[str]) -> None:
    assert (
        loaded_by(f"from dnnstudio.cli.main import main\nassert main({verb!r}) == 0") & (KERAS | QT | {"sklearn"})
        == set()
    )


@pytest.mark.parametrize("verb", ["--help", "--version"])
def test_help_loads_no_experiment(verb: str) -> None:
    """Pydantic and the records take three times as long to import as all the rest of the command line."""
    loaded = loaded_by(f"from dnnstudio.cli.main import main\nassert main([{verb!r}]) == 0")
    assert loaded & (HEAVY | CLUSTER | {"pydantic", "numpy"}) == set()


@pytest.mark.parametrize("verb", ["check", "summary"])
def test_check_and_summary_of_an_experiment_load_neither_qt_nor_tensorflow(verb: str, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\nfrom dnnstudio.cli.main import main\n"
        "from dnnstudio.core.experiment.recipes import load_recipe\n"
        "from dnnstudio.core.experiment.codec import save\n"
        f"file = Path({str(tmp_path / 'experiment.json')!r})\n"
        "save(load_recipe('digits').experiment, file)\n"
        f"assert main([{verb!r}, str(file)]) == 0"
    )
    unwanted = HEAVY | CLUSTER | {"numpy"} if verb == "check" else KERAS | QT | {"sklearn"}
    assert loaded_by(code) & unwanted == set()
