"""The parts of the main window that its first paint shows."""

from __future__ import annotations

from dataclasses import dataclass

from dnnstudio.gui.data.panel import DataPanel
from dnnstudio.gui.panels.inspector import InspectorPanel
from dnnstudio.gui.panels.optimizer_panel import OptimizerPanel
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.shell.layout import Body
from dnnstudio.gui.shell.message_line import MessageLine
from dnnstudio.gui.shell.status_line import StatusLine
from dnnstudio.gui.shell.toolbar import ToolBar
from dnnstudio.gui.stack import LayerStackView


@dataclass(frozen=True, slots=True)
class Front:
    """The widgets of the first paint; `body` has placeholders for later panels."""

    toolbar: ToolBar
    data: DataPanel
    stack: LayerStackView
    inspector: InspectorPanel
    optimizer: OptimizerPanel
    runs: RunsPanel
    messages: MessageLine
    status: StatusLine
    body: Body
