"""The sandbox process that reads untrusted files: `python -m dnnstudio.engine.model_files.child REQUEST < FILE`.

It limits its own memory, time and files before reading the first byte, so that a file that crashes HDF5 or exhausts
memory takes down only this process. No Qt, Keras or TensorFlow.
"""

from __future__ import annotations

import codecs
import json
import os
import sys
import traceback
from functools import cache
from typing import Any, BinaryIO

import numpy as np
from pydantic import TypeAdapter

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import AnyLayer, Shape
from dnnstudio.core.text import printable
from dnnstudio.engine.model_files.contents import MAX_FILE, WeightsMismatchError
from dnnstudio.engine.model_files.transcript import Transcript, match_weights, transcribe_model, transcribe_weights

MAGIC = b"DNNM"
MEMORY_FLOOR = 128 * 2**20
MEMORY_FACTOR = 5
"""Address space beyond that of the imports: a minimum in bytes, and a multiple of the file's size."""
SECONDS_FLOOR = 1
BYTES_A_SECOND = 32 * 2**20
"""Processor time: a minimum, and an allowance by the file's size."""


def main() -> None:
    """Read one file from standard input and write the answer to standard output."""
    content = sys.stdin.buffer.read(MAX_FILE + 1)
    codecs.lookup("cp437")  # needed by zipfile; nothing can be imported once opening files is forbidden
    limit_resources(len(content))
    header, arrays = answer(content, sys.argv[1] if len(sys.argv) > 1 else "")
    write_answer(sys.stdout.buffer, header, arrays)


def answer(content: bytes, request: str = "") -> tuple[dict[str, Any], list[bytes | memoryview]]:
    """Header and raw arrays of one file. `request` is empty, or the JSON of {"layers", "input_shape", "match"}."""
    try:
        if request:
            wanted = json.loads(request)
            layers = _layers().validate_json(json.dumps(wanted["layers"]))
            if wanted.get("match"):
                return _matched(content, layers, tuple(wanted["input_shape"])), []
            return _described(transcribe_weights(content, layers, tuple(wanted["input_shape"])))
        return _described(transcribe_model(content))
    except WeightsMismatchError as error:
        rows = [[item.layer, item.variable, item.needed, item.found] for item in error.differences]
        return {"error": printable(error.message), "hint": error.hint, "differences": rows}, []
    except UserError as error:
        return {"error": printable(error.message), "hint": error.hint}, []
    except MemoryError:
        return {"error": "The file asks for far more memory than its size.", "hint": "It was tampered with."}, []
    except Exception:
        bug = traceback.format_exc(limit=-8)
        return {"error": "The file is damaged and cannot be read.", "hint": "Use a copy of it.", "bug": bug}, []


@cache
def _layers() -> TypeAdapter[list[AnyLayer]]:
    return TypeAdapter(list[AnyLayer])


def write_answer(stream: BinaryIO, header: dict[str, Any], arrays: list[bytes | memoryview]) -> None:
    """Write four magic letters, the header's length, the header as JSON, and the arrays as little-endian float32."""
    text = json.dumps(header).encode()
    stream.write(MAGIC + len(text).to_bytes(8, "little") + text)
    for array in arrays:
        stream.write(array)
    stream.flush()


def _described(transcript: Transcript) -> tuple[dict[str, Any], list[bytes | memoryview]]:
    header = {
        "layers": [layer.model_dump(mode="json") for layer in transcript.layers],
        "input_shape": list(transcript.input_shape),
        "arrays": {name: [list(array.shape) for array in arrays] for name, arrays in transcript.arrays.items()},
        "record": transcript.record.plain() if transcript.record is not None else None,
        "not_finite": transcript.not_finite,
        "notes": transcript.notes,
    }
    flat = [array.astype("<f4", copy=False) for arrays in transcript.arrays.values() for array in arrays]
    return header, [array.reshape(-1).view(np.uint8).data if array.size else b"" for array in flat]


def _matched(content: bytes, layers: list[AnyLayer], input_shape: Shape) -> dict[str, Any]:
    """Which layer of the file goes where, and why the weights cannot be used, if so."""
    rows = [[printable(row.name), row.shapes, row.layer] for row in match_weights(content, layers, input_shape)]
    try:
        transcript = transcribe_weights(content, layers, input_shape)
    except UserError as error:
        return {"match": rows, "problem": printable(error.message), "hint": error.hint, "notes": []}
    if transcript.not_finite:
        names = ", ".join(transcript.not_finite)
        problem, hint = f"The weights of {names} hold NaN or infinity.", "Use weights from before that."
        return {"match": rows, "problem": problem, "hint": hint, "notes": []}
    return {"match": rows, "problem": "", "hint": "", "notes": transcript.notes}


def limit_resources(size: int) -> None:
    """Limit memory, processor time, open files and written bytes for a file of `size` bytes, if the system
    supports it.
    """
    try:
        import resource
    except ImportError:  # Windows: only the parent's time limit applies
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + 1 + SECONDS_FLOOR + size // BYTES_A_SECOND
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 0,
    }
    taken = _address_space()
    if taken:
        limits[resource.RLIMIT_AS] = taken + MEMORY_FLOOR + MEMORY_FACTOR * size
    for kind, limit in limits.items():
        hard = resource.getrlimit(kind)[1]
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        # The soft time limit sends SIGXCPU, which the parent recognizes; the hard one sends SIGKILL.
        grace = 1 if kind == resource.RLIMIT_CPU and allowed == limit else 0
        resource.setrlimit(kind, (allowed, allowed + grace))


def _address_space() -> int:
    """Bytes of address space in use; 0 if unknown (macOS does not enforce the limit either)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


if __name__ == "__main__":
    main()
