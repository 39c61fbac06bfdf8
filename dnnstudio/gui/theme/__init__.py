"""The look: tokens, icons, one stylesheet, and the `Theme` that applies them."""

from dnnstudio.gui.theme.reasons import Cure, cure_of, reason_of, set_help, set_reason
from dnnstudio.gui.theme.roles import Role, set_role, set_state
from dnnstudio.gui.theme.theme import THEMES, Choice, Theme, remove_picture_files
from dnnstudio.gui.theme.tokens import CONTRAST, DARK, LIGHT, Severity, Tokens

__all__ = [
    "CONTRAST",
    "DARK",
    "LIGHT",
    "THEMES",
    "Choice",
    "Cure",
    "Role",
    "Severity",
    "Theme",
    "Tokens",
    "cure_of",
    "reason_of",
    "remove_picture_files",
    "set_help",
    "set_reason",
    "set_role",
    "set_state",
]
