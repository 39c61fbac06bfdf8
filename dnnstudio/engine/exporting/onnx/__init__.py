"""ONNX files by the helpers of the package `onnx`, layer by layer from our own stack."""
