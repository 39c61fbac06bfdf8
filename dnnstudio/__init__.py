"""dnnstudio: build, train, reuse and question deep neural networks by pointing and clicking."""

__version__ = "0.1.0"
