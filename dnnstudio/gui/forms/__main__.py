"""Shows the gallery of forms."""

import sys

from PySide6.QtWidgets import QApplication

from dnnstudio.gui.forms.gallery import Gallery
from dnnstudio.gui.theme import Theme

app = QApplication(sys.argv)
theme = Theme(app)
theme.apply("dark" if "dark" in sys.argv else "light" if "light" in sys.argv else "system")
gallery = Gallery(theme)
gallery.show()
sys.exit(app.exec())
