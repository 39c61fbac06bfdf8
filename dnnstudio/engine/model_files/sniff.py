"""Detects the kind of a file by its first bytes, whatever its name."""

from __future__ import annotations

from typing import Literal

from dnnstudio.core.errors import UserError

Kind = Literal["zip", "hdf5"]

HINT = "Save it from Keras as .keras or .h5."
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x05\x06", "an empty zip archive"),
    (4, b"TFL3", "a TensorFlow Lite file"),
    (0, b"\x80\x02", "a pickle, such as an old PyTorch file"),
    (0, b"\x80\x03", "a pickle"),
    (0, b"\x80\x04", "a pickle"),
    (0, b"\x80\x05", "a pickle"),
    (0, b"\x1f\x8b", "a gzip file"),
    (0, b"\x93NUMPY", "a NumPy array (.npy)"),
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"GGUF", "a GGUF file"),
    (0, b"\x08\x00\x12", "an ONNX file"),
    (0, b"\x08\x01\x12", "an ONNX file"),
    (0, b"\x08\x02\x12", "an ONNX file"),
    (0, b"\x08\x03\x12", "an ONNX file"),
    (0, b"\x08\x04\x12", "an ONNX file"),
    (0, b"\x08\x05\x12", "an ONNX file"),
    (0, b"\x08\x06\x12", "an ONNX file"),
    (0, b"\x08\x07\x12", "an ONNX file"),
    (0, b"\x08\x08\x12", "an ONNX file"),
    (0, b"\x08\x09\x12", "an ONNX file"),
    (0, b"\x08\x0a\x12", "an ONNX file"),
)


def sniff(content: bytes) -> Kind:
    """ "zip" or "hdf5". Raises `UserError` that says what the file is instead."""
    if not content:
        raise UserError("The file is empty.", "Choose another one, or the copy whose name ends in ~.")
    if content.startswith(_ZIP):
        return "zip"
    if content.startswith(_HDF5):
        return "hdf5"
    for offset, magic, name in _OTHERS:
        if content[offset : offset + len(magic)] == magic:
            raise UserError(f"This is {name}, not a Keras model.", HINT)
    if content[8:9] == b"{" and int.from_bytes(content[:8], "little") < len(content):
        raise UserError("This is a safetensors file, not a Keras model.", HINT)
    if content.lstrip()[:1] in (b"{", b"["):
        raise UserError("This is a JSON file, not a Keras model.", "Open an experiment with Open instead.")
    raise UserError("This is neither a .keras nor an .h5 file.", HINT)


def name_of_zip(members: list[str]) -> str:
    """What a zip archive that is no Keras model contains, judged by the names in it."""
    if "bundle.json" in members:
        return "a bundle, which dnnstudio open-bundle opens as a run"
    if any(name.endswith("data.pkl") for name in members):
        return "a PyTorch file"
    if members and all(name.endswith(".npy") for name in members):
        return "a NumPy archive (.npz)"
    if any(name.startswith("word/") for name in members):
        return "a Word document"
    if "saved_model.pb" in {name.rsplit("/", 1)[-1] for name in members}:
        return "a zipped SavedModel"
    return "a zip archive without a Keras model"
