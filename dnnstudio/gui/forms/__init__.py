"""Forms generated from the fields of experiment records: one editor per field, by its type, limits, title and help."""

from dnnstudio.gui.forms.form import OptionForm
from dnnstudio.gui.forms.paths import replaced_at, value_at

__all__ = ["OptionForm", "replaced_at", "value_at"]
