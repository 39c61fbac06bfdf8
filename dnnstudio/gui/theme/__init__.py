"""The look: tokens, icons, one stylesheet, and the `Theme` that puts them in force."""

from dnnstudio.gui.theme.roles import Role, set_role, set_state
from dnnstudio.gui.theme.theme import Choice, Theme
from dnnstudio.gui.theme.tokens import DARK, LIGHT, Severity, Tokens

__all__ = ["DARK", "LIGHT", "Choice", "Role", "Severity", "Theme", "Tokens", "set_role", "set_state"]
