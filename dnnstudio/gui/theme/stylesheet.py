"""The program's single stylesheet, generated from the tokens. Widgets are matched by class and role."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QColor

from dnnstudio.gui.theme.tokens import Tokens

PictureUrl = Callable[[str, str, int], str]
"""Gives the path of an icon drawn as a picture file: name, colour, size. Stylesheets can show nothing else."""


def stylesheet(tokens: Tokens, picture: PictureUrl) -> str:
    """The whole stylesheet for one theme."""
    t = tokens
    return "\n".join(
        (
            _ground(t),
            _frames(t),
            _labels(t),
            _buttons(t),
            _tool_buttons(t, picture),
            _file_dialogs(t, picture),
            _fields(t, picture),
            _checks(t, picture),
            _views(t),
            _bars(t),
            _tabs(t),
        )
    )


def _faded(color: str, alpha: int) -> str:
    faded = QColor(color)
    faded.setAlpha(alpha)
    return faded.name(QColor.NameFormat.HexArgb)


def _ground(t: Tokens) -> str:
    return f"""
    * {{ outline: 0; }}
    QWidget {{ color: {t.text}; }}
    QWidget:disabled {{ color: {t.text3}; }}
    QMainWindow, QDialog, QWidget[role="ground"] {{ background: {t.bg}; }}
    QToolTip {{ background: {t.text}; color: {t.surface}; border: 0; padding: 4px 8px; font-size: 12px; }}
    QScrollArea, QScrollArea > QWidget > QWidget[role="clear"] {{ background: transparent; border: 0; }}
    QAbstractScrollArea::corner {{ background: transparent; border: 0; }}
    QSplitter::handle {{ background: transparent; }}
    QMenuBar {{ background: {t.surface}; border-bottom: 1px solid {t.border}; font-size: 13px; }}
    QMenuBar::item {{ padding: 4px 8px; background: transparent; border-radius: 4px; }}
    QMenuBar::item:selected {{ background: {t.hover}; }}
    QMenu {{ background: {t.surface}; border: 1px solid {t.strong}; padding: 4px; font-size: 13px; }}
    QMenu::item {{ padding: 5px 20px 5px 8px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {t.accent_soft}; color: {t.text}; }}
    QMenu::item:disabled {{ color: {t.text3}; }}
    QMenu::separator {{ height: 1px; background: {t.border}; margin: 4px 8px; }}
    QMenu::icon {{ padding-left: 8px; }}
    """


def _frames(t: Tokens) -> str:
    severities = "\n".join(
        f"""
        QFrame[role="message"][severity="{severity}"] {{ background: {soft}; border: 1px solid {line};
            border-radius: 8px; }}
        QFrame[role="message"][severity="{severity}"] QPushButton[role="fix"] {{ border: 1px solid {line}; }}
        QFrame[role="message"][severity="{severity}"] QPushButton[role="fix"]:focus {{ border: 2px solid {t.accent}; }}
        """
        for severity, (_, _, soft, line) in ((name, t.of(name)) for name in ("news", "hint", "error", "good"))
    )
    return f"""
    QFrame[role="card"] {{ background: {t.surface}; border: 1px solid {t.border}; border-radius: 8px; }}
    QFrame[role="ring"] {{ background: transparent; border: 2px solid {t.accent}; border-radius: 6px; }}
    QFrame[role="bar"] {{ background: {t.surface}; border: 0; border-bottom: 1px solid {t.border}; }}
    QFrame[role="status"] {{ background: {t.surface}; border: 0; border-top: 1px solid {t.border}; }}
    QFrame[role="inset"] {{ background: {t.inset}; border: 0; border-radius: 6px; }}
    QFrame[role="rule"] {{ background: {t.border}; border: 0; max-height: 1px; min-height: 1px; }}
    QFrame[role="rule_upright"] {{ background: {t.border}; border: 0; max-width: 1px; min-width: 1px; }}
    QFrame[role="tile"] {{ background: {t.inset}; border: 0; border-radius: 6px; }}
    QFrame[role="tile"][selected="true"] {{ background: {t.accent_fill}; }}
    QFrame[role="segmented"] {{ background: {t.hover}; border: 0; border-radius: 7px; }}
    {severities}
    """


def _labels(t: Tokens) -> str:
    return f"""
    QLabel {{ background: transparent; }}
    QLabel[role="headline"] {{ font-size: 20px; font-weight: 600; }}
    QLabel[role="dialog_title"] {{ font-size: 15px; font-weight: 600; }}
    QLabel[role="title"] {{ font-size: 13px; font-weight: 600; }}
    QLabel[role="name"] {{ font-size: 13px; font-weight: 500; }}
    QLabel[role="lead"] {{ font-size: 12px; font-weight: 600; }}
    QLabel[role="body"] {{ font-size: 12px; }}
    QLabel[role="form"], QLabel[role="small"] {{ font-size: 12px; color: {t.text2}; }}
    QLabel[role="caption"] {{ font-size: 11px; color: {t.text2}; }}
    QLabel[role="dim"] {{ font-size: 11px; color: {t.text3}; }}
    QLabel[role="number"] {{ font-size: 12px; font-weight: 500; }}
    QLabel[role="hint"] {{ font-size: 11px; font-weight: 500; color: {t.hint}; }}
    QLabel[role="error"] {{ font-size: 11px; font-weight: 500; color: {t.error}; }}
    QLabel[role="good"] {{ font-size: 11px; font-weight: 500; color: {t.good}; }}
    QLabel[role="badge"] {{ font-size: 10px; font-weight: 600; border-radius: 4px; padding: 0 4px;
        color: {t.text2}; background: {t.inset}; border: 1px solid {t.border}; }}
    QLabel[role="badge"][tone="accent"] {{ color: {t.accent}; background: {t.accent_soft};
        border: 1px solid {t.accent_line}; }}
    QLabel[role="badge"][tone="hint"] {{ color: {t.hint}; background: {t.hint_soft}; border: 1px solid {t.hint_line}; }}
    """


def _buttons(t: Tokens) -> str:
    one_accent = t.accent_line == t.accent_fill  # as in high contrast: the ring is drawn into the button
    ring = f"dashed {t.on_accent}" if one_accent else f"solid {t.accent if t.dark else t.accent_line}"
    return f"""
    QPushButton {{ background: {t.surface}; border: 1px solid {t.strong}; border-radius: 6px; padding: 0 12px;
        min-height: 26px; font-size: 13px; font-weight: 500; }}
    QPushButton:hover {{ background: {t.hover}; }}
    QPushButton:pressed {{ background: {t.hover}; border-color: {t.text3}; }}
    QPushButton:disabled {{ background: {t.inset}; border-color: {t.border}; color: {t.text3}; }}
    QPushButton:focus {{ border: 2px solid {t.accent}; padding: 0 11px; min-height: 24px; }}
    QPushButton[role="primary"] {{ background: {t.accent_fill}; border: 1px solid {t.accent_fill};
        color: {t.on_accent}; }}
    QPushButton[role="primary"]:hover {{ background: {_shaded(t.accent_fill, t.dark)}; }}
    QPushButton[role="primary"]:disabled {{ background: {t.accent_soft}; border-color: {t.accent_line};
        color: {t.text2}; }}
    QPushButton[role="primary"]:focus {{ border: 2px {ring}; }}
    QPushButton[role="training"] {{ background: {t.accent_soft}; border: 1px solid {t.accent_line};
        color: {t.accent}; }}
    QPushButton[role="training"]:focus {{ border: 2px solid {t.accent}; }}
    QPushButton[role="field"] {{ padding: 0 10px; font-size: 12px; }}
    QPushButton[role="field"]:focus {{ padding: 0 9px; }}
    QPushButton[role="field"]:checked {{ background: {t.accent_soft}; border: 1px solid {t.accent_line};
        color: {t.accent}; }}
    QPushButton[role="field"]:checked:focus {{ border: 2px solid {t.accent}; }}
    QPushButton[role="fix"] {{ min-height: 24px; padding: 0 10px; font-size: 12px; }}
    QPushButton[role="fix"]:focus {{ min-height: 22px; padding: 0 9px; border: 2px solid {t.accent}; }}
    QPushButton[role="add"] {{ border: 1px dashed {t.strong}; background: transparent; color: {t.text2};
        font-size: 12px; }}
    QPushButton[role="add"]:hover {{ background: {t.hover}; }}
    QPushButton[role="add"]:focus {{ border: 2px solid {t.accent}; }}
    QPushButton[role="link"] {{ border: 1px solid transparent; background: transparent; color: {t.accent};
        padding: 0 4px; min-height: 20px; font-size: 12px; }}
    QPushButton[role="link"]:hover {{ background: {t.hover}; }}
    QPushButton[role="link"]:disabled {{ color: {t.text3}; }}
    QPushButton[role="fold"] {{ border: 1px solid transparent; background: transparent; color: {t.text2};
        padding: 0 4px 0 0; min-height: 20px; font-size: 12px; text-align: left; }}
    QPushButton[role="fold"]:hover {{ color: {t.text}; }}
    QPushButton[role="fold"]:focus {{ border: 2px solid {t.accent}; padding: 0 3px 0 0; min-height: 18px; }}
    QPushButton[role="link"]:focus {{ border: 2px solid {t.accent}; padding: 0 3px; min-height: 18px; }}
    """


def _shaded(color: str, dark: bool) -> str:
    return (QColor(color).lighter(108) if dark else QColor(color).darker(108)).name()


def _tool_buttons(t: Tokens, picture: PictureUrl) -> str:
    caret = picture("caret-down", t.text2, 12)
    disabled = _faded(t.text3, 150)
    return f"""
    QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 0 6px;
        min-height: 30px; font-size: 13px; }}
    QToolButton:hover, QToolButton:open {{ background: {t.hover}; }}
    QToolButton:checked {{ background: {t.accent_soft}; border: 1px solid {t.accent_line}; color: {t.accent}; }}
    QToolButton:disabled {{ color: {disabled}; }}
    QToolButton:focus {{ border: 2px solid {t.accent}; padding: 0 5px; min-height: 28px; }}
    QToolButton::menu-indicator {{ image: url({caret}); subcontrol-origin: padding;
        subcontrol-position: right center; right: 8px; width: 12px; height: 12px; }}
    QToolButton[menu="true"] {{ padding-right: 24px; }}
    QToolButton[menu="true"]:focus {{ padding-right: 23px; }}
    QToolButton[menu="split"] {{ padding-right: 22px; }}
    QToolButton[menu="split"]:focus {{ padding-right: 21px; }}
    QToolButton::menu-button {{ border: 0; background: transparent; width: 20px; border-radius: 6px; }}
    QToolButton::menu-button:hover {{ background: {t.border}; }}
    QToolButton::menu-arrow {{ image: url({caret}); width: 12px; height: 12px; }}
    QToolButton[role="mini"] {{ min-height: 22px; min-width: 22px; padding: 0; border-radius: 5px; }}
    QToolButton[role="mini"]:focus {{ min-height: 20px; min-width: 20px; padding: 0; }}
    QToolButton[role="mini"]::menu-indicator {{ image: none; width: 0; }}
    QToolButton[role="outline"] {{ border: 1px solid {t.border}; background: {t.surface}; }}
    QToolButton[role="outline"]:hover {{ background: {t.hover}; }}
    QToolButton[role="outline"]:focus {{ border: 2px solid {t.accent}; }}
    QToolButton[role="chip"] {{ background: {t.inset}; border: 1px solid {t.border}; border-radius: 11px;
        min-height: 20px; padding: 0 22px 0 9px; font-size: 11px; }}
    QToolButton[role="chip"]:hover {{ background: {t.hover}; }}
    QLabel[role="chip"] {{ background: {t.inset}; border: 1px solid {t.border}; border-radius: 11px; min-height: 22px;
        padding: 0 9px; font-size: 11px; font-weight: normal; }}
    QToolButton[role="chip"]:focus {{ border: 2px solid {t.accent}; min-height: 18px; padding: 0 21px 0 8px; }}
    QToolButton[role="chip"]::menu-indicator {{ right: 6px; width: 10px; height: 10px; }}
    QToolButton[role="segment"] {{ border: 1px solid transparent; border-radius: 5px; padding: 0 8px;
        min-height: 20px; font-size: 11px; font-weight: 500; color: {t.text2}; }}
    QToolButton[role="segment"]:hover {{ color: {t.text}; background: transparent; }}
    QToolButton[role="segment"]:checked {{ background: {t.segment}; border: 1px solid {t.segment_line};
        color: {t.text}; }}
    QToolButton[role="segment"]:disabled {{ color: {disabled}; }}
    QToolButton[role="segment"]:focus {{ border: 2px solid {t.accent}; padding: 0 7px; min-height: 18px; }}
    """


def _file_dialogs(t: Tokens, picture: PictureUrl) -> str:
    """Qt's own pictures on these buttons are of one dark colour."""
    icons = {
        "backward-icon": "arrow-left",
        "forward-icon": "arrow-right",
        "filedialog-parent-directory-icon": "arrow-up",
        "filedialog-new-directory-icon": "folder-plus",
        "filedialog-listview-icon": "list",
        "filedialog-detailedview-icon": "rows",
    }
    rules = " ".join(f"{which}: url({picture(name, t.text2, 16)});" for which, name in icons.items())
    return f"QFileDialog {{ {rules} }}"


def _fields(t: Tokens, picture: PictureUrl) -> str:
    caret, up = picture("caret-down", t.text2, 12), picture("caret-up", t.text2, 10)
    down, faint = picture("caret-down", t.text2, 10), picture("caret-down", t.text3, 12)
    clear = picture("x", t.text2, 16)
    marks = "\n".join(
        f"""
        QLineEdit[mark="{mark}"], QComboBox[mark="{mark}"], QComboBox[role="flat"][mark="{mark}"],
        QAbstractSpinBox[mark="{mark}"] {{ border: 1px solid {dot}; }}
        """
        for mark, dot in (("hint", t.hint_dot), ("error", t.error_dot))
    )
    return f"""
    QAbstractSpinBox QLineEdit {{ border: 0; padding: 0; margin: 0; min-height: 0; background: transparent;
        border-radius: 0; }}
    QLineEdit, QComboBox, QAbstractSpinBox, QPlainTextEdit {{ background: {t.surface}; border: 1px solid {t.strong};
        border-radius: 6px; padding: 0 8px; min-height: 26px; font-size: 12px; color: {t.text};
        selection-background-color: {t.accent_fill}; selection-color: {t.on_accent};
        placeholder-text-color: {t.text3}; }}
    QAbstractSpinBox {{ padding: 0; }}
    QPlainTextEdit {{ padding: 6px 8px; }}
    QLineEdit:hover, QComboBox:hover, QAbstractSpinBox:hover {{ border: 1px solid {t.text3}; }}
    QLineEdit:disabled, QComboBox:disabled, QAbstractSpinBox:disabled {{ background: {t.inset};
        border: 1px solid {t.border}; color: {t.text3}; }}
    QComboBox[role="flat"] {{ background: {t.inset}; border: 1px solid {t.border}; }}
    QLineEdit[role="inline"] {{ padding: 0 5px; }}
    QLineEdit {{ lineedit-clear-button-icon: url({clear}); }}
    QLineEdit QToolButton {{ min-height: 0; padding: 0; border: 0; }}
    QComboBox[mixed="true"] {{ color: {t.text3}; }}
    {marks}
    QLineEdit:focus, QComboBox:focus, QComboBox[role="flat"]:focus, QPlainTextEdit:focus {{
        border: 2px solid {t.accent}; padding: 0 7px; min-height: 24px; }}
    QLineEdit[role="inline"]:focus {{ padding: 0 4px; }}
    QPlainTextEdit:focus {{ padding: 5px 7px; }}
    QAbstractSpinBox:focus {{ border: 2px solid {t.accent}; min-height: 24px; }}
    QAbstractSpinBox QLineEdit:focus {{ border: 0; padding: 0; min-height: 0; }}
    QLineEdit[mark="error"]:focus {{ border: 2px solid {t.error_dot}; }}
    QComboBox::drop-down {{ border: 0; width: 20px; }}
    QComboBox::down-arrow {{ image: url({caret}); width: 12px; height: 12px; }}
    QComboBox::down-arrow:disabled {{ image: url({faint}); }}
    QComboBox QAbstractItemView {{ background: {t.surface}; border: 1px solid {t.strong}; border-radius: 0;
        padding: 4px; selection-background-color: {t.accent_soft}; selection-color: {t.text}; }}
    QComboBox QAbstractItemView::item {{ min-height: 26px; padding: 0 6px; border-radius: 4px; }}
    QComboBox QAbstractItemView::item:selected {{ background: {t.accent_soft}; color: {t.text}; }}
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: 0; background: transparent; width: 18px; }}
    QAbstractSpinBox::up-arrow {{ image: url({up}); width: 10px; height: 10px; }}
    QAbstractSpinBox::down-arrow {{ image: url({down}); width: 10px; height: 10px; }}
    """


def _checks(t: Tokens, picture: PictureUrl) -> str:
    check, minus = picture("check-bold", t.on_accent, 12), picture("minus-bold", t.on_accent, 12)
    off = picture("check-bold", t.text3, 12)
    return f"""
    QCheckBox, QRadioButton {{ font-size: 12px; spacing: 8px; background: transparent; }}
    QCheckBox::indicator, QRadioButton::indicator {{ width: 14px; height: 14px; border: 1px solid {t.strong};
        border-radius: 4px; background: {t.surface}; }}
    QRadioButton::indicator {{ border-radius: 8px; }}
    QCheckBox::indicator:hover, QRadioButton::indicator:hover {{ border: 1px solid {t.text3}; }}
    QCheckBox::indicator:checked {{ background: {t.accent_fill}; border: 1px solid {t.accent_fill};
        image: url({check}); }}
    QCheckBox::indicator:indeterminate {{ background: {t.accent_fill}; border: 1px solid {t.accent_fill};
        image: url({minus}); }}
    QRadioButton::indicator:checked {{ width: 6px; height: 6px; border: 5px solid {t.accent_fill}; }}
    QCheckBox::indicator:disabled {{ background: {t.bg}; border: 1px solid {t.border}; image: none; }}
    QCheckBox::indicator:checked:disabled {{ image: url({off}); }}
    QRadioButton::indicator:disabled {{ background: {t.bg}; border: 1px solid {t.border}; }}
    QRadioButton::indicator:checked:disabled {{ border: 5px solid {t.border}; }}
    QCheckBox::indicator:focus, QRadioButton::indicator:focus {{ width: 12px; height: 12px;
        border: 2px solid {t.accent}; }}
    QCheckBox::indicator:checked:focus, QCheckBox::indicator:indeterminate:focus {{ border: 2px solid {t.text}; }}
    QRadioButton::indicator:checked:focus {{ background: qradialgradient(cx: 0.5, cy: 0.5, radius: 0.5,
        fx: 0.5, fy: 0.5, stop: 0.5 {t.accent_fill}, stop: 0.6 {t.surface}); }}
    """


def _views(t: Tokens) -> str:
    return f"""
    QAbstractItemView {{ background: transparent; border: 2px solid transparent; border-radius: 6px;
        gridline-color: transparent; font-size: 12px; selection-background-color: {t.accent_soft};
        selection-color: {t.text}; alternate-background-color: {t.inset}; }}
    QAbstractItemView:focus {{ border: 2px solid {t.accent}; }}
    .QListView {{ background: {t.surface}; border: 1px solid {t.strong}; border-radius: 0; }}
    .QListView:focus {{ border: 1px solid {t.strong}; }}
    QAbstractItemView[ring="elsewhere"]:focus {{ border-color: transparent; }}
    QTableView::item, QTreeView::item {{ padding: 0 8px; border: 0; border-bottom: 1px solid {t.border}; }}
    QAbstractItemView::item:hover {{ background: {t.hover}; }}
    QAbstractItemView::item:selected {{ background: {t.accent_soft}; color: {t.text}; }}
    QHeaderView {{ background: transparent; border: 0; }}
    QHeaderView::section {{ background: transparent; color: {t.text2}; border: 0;
        border-bottom: 1px solid {t.border}; padding: 0 11px; font-size: 11px; font-weight: 500; }}
    QTableCornerButton::section {{ background: transparent; border: 0; }}
    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
    QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
    QScrollBar::handle {{ background: {t.strong}; border-radius: 3px; margin: 2px; }}
    QScrollBar::handle:vertical {{ min-height: 24px; }}
    QScrollBar::handle:horizontal {{ min-width: 24px; }}
    QScrollBar::handle:hover {{ background: {t.text3}; }}
    QScrollBar::handle:disabled {{ background: transparent; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    """


def _bars(t: Tokens) -> str:
    return f"""
    QProgressBar {{ background: {t.hover}; border: 0; border-radius: 3px; max-height: 6px; min-height: 6px; }}
    QProgressBar::chunk {{ background: {t.accent_fill}; border-radius: 3px; }}
    QSlider::groove:horizontal {{ height: 4px; background: {t.hover}; border-radius: 2px; }}
    QSlider::sub-page:horizontal {{ background: {t.accent_fill}; border-radius: 2px; }}
    QSlider::sub-page:horizontal:disabled {{ background: {t.strong}; }}
    QSlider::handle:horizontal {{ width: 12px; height: 12px; margin: -6px 0; border-radius: 8px;
        background: {t.surface}; border: 2px solid {t.accent_fill}; }}
    QSlider::handle:horizontal:focus {{ background: {t.accent}; border: 2px solid {t.accent}; }}
    """


def _tabs(t: Tokens) -> str:
    return f"""
    QTabWidget::pane {{ border: 0; }}
    QTabBar {{ background: transparent; border: 0; font-size: 13px; font-weight: 500; }}
    QTabBar::tab {{ background: transparent; color: {t.text2}; border: 1px solid transparent;
        border-bottom: 2px solid transparent; padding: 0; margin: 0 20px 0 0; min-height: 32px; }}
    QTabBar[narrow="true"]::tab {{ margin: 0 12px 0 0; }}
    QTabBar[tight="true"]::tab {{ margin: 0 6px 0 0; }}
    QTabBar::tab:last, QTabBar::tab:only-one {{ margin: 0; }}
    QTabBar[small="true"] {{ font-size: 12px; }}
    QTabBar[small="true"]::tab {{ margin: 0 4px 0 0; border-left: 0; border-right: 0; }}
    QTabBar::tab:hover {{ color: {t.text}; }}
    QTabBar::tab:selected {{ color: {t.text}; border-bottom: 2px solid {t.accent}; }}
    QTabBar::tab:selected:focus {{ background: {t.accent_soft}; border: 1px solid {t.accent};
        border-bottom: 2px solid {t.accent}; }}
    QTabBar[small="true"]::tab:selected:focus {{ border-left: 0; border-right: 0; }}
    QTabBar::tab:disabled {{ color: {_faded(t.text3, 150)}; }}
    """
