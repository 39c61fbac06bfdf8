"""ONNX Runtime is used without telling anyone of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

import dnnstudio

SCRIPT = """
import sys
from dnnstudio.engine.exporting.onnx.runtime import onnx_runtime
onnx_runtime().InferenceSession(sys.argv[1])
"""


def test_onnx_runtime_keeps_no_number_of_the_machine_and_no_events(tmp_path: Path) -> None:
    """They lie in the user's folder until they are sent."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "graph", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "relu.onnx")
    home = tmp_path / "home"
    home.mkdir()
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME"), str(home))
    asked = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"} | places
    subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path / "relu.onnx")], env=asked, check=True, timeout=60)
    assert list(home.iterdir()) == []


def test_onnx_runtime_is_imported_in_one_place() -> None:
    package = Path(dnnstudio.__file__).parent
    found = [path.name for path in package.rglob("*.py") if "import onnxruntime" in path.read_text("utf-8")]
    assert found == ["runtime.py"]
