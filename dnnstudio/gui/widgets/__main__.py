"""Shows the gallery of widgets."""

import sys

from PySide6.QtWidgets import QApplication

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.gallery import Gallery

app = QApplication(sys.argv)
theme = Theme(app)
theme.apply("dark" if "dark" in sys.argv else "light" if "light" in sys.argv else "system")
gallery = Gallery(theme)
gallery.show()
sys.exit(app.exec())
