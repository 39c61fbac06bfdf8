"""An experiment as a Python script or notebook of plain Keras: what a person would write who follows the chapter.

Everything is made from the experiment's own fields, so a new option is in the script without a line here. The script
needs this program only for CSV tables, NPZ files and folders of images; layers that Keras has not got are written into
it.
"""

from __future__ import annotations

from dnnstudio.core.script.writing import to_notebook, to_script

__all__ = ["to_notebook", "to_script"]
