"""Forms of several records on one page, for visual inspection: `python -m dnnstudio.gui.forms [light|dark]`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from dnnstudio.core.experiment.data import Data
from dnnstudio.core.experiment.fields import Option
from dnnstudio.core.experiment.layers import BatchNormalization, Conv2D, Dense, Dropout
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, Adam
from dnnstudio.core.experiment.record import EarlyStopping, Training
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS, OneCycle
from dnnstudio.core.experiment.weights import L1L2, HeNormal, MaxNorm, RandomNormal
from dnnstudio.gui.forms.form import OptionForm
from dnnstudio.gui.forms.paths import replaced_at
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import AdviceCard, Card


class Gallery(QWidget):
    """Two wide columns, and two as narrow as in the narrowest window."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setWindowTitle("Forms")
        self.setProperty("role", "ground")
        self.resize(1320, 900)
        self._theme = theme
        dense = Dense.new(
            id="hidden_2", activation="elu", kernel_regularizer=L1L2(l2=0.001), kernel_constraint=MaxNorm(max_value=1.0)
        )
        line = QHBoxLayout(self)
        line.setContentsMargins(8, 8, 8, 8)
        line.setSpacing(8)
        line.addWidget(
            self._column(320, self._layer(dense), self._card("Training", Training(early_stopping=EarlyStopping())))
        )
        line.addWidget(
            self._column(
                360,
                self._card("Schedule", OneCycle(), SCHEDULE_KINDS.values()),
                self._card("Optimizer", Adam(clipnorm=1.0), OPTIMIZER_KINDS.values()),
                self._card("Data", Data()),
            )
        )
        line.addWidget(
            self._column(
                272,
                self._layer(dense.replaced(kernel_initializer=RandomNormal())),
                self._card("Convolution", Conv2D.new()),
            )
        )
        several = (dense, Dense.new(id="hidden_3", units=50, kernel_initializer=HeNormal(), use_bias=False))
        line.addWidget(
            self._column(
                272,
                self._card("Two layers", several),
                self._card("Dropout", Dropout.new()),
                self._card("Batch normalization", BatchNormalization.new(), opened=True),
            )
        )

    def _column(self, width: int, *cards: Card) -> QWidget:
        page = QWidget()
        page.setProperty("role", "clear")
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for card in cards:
            column.addWidget(card)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(page)
        area.setFixedWidth(width)
        return area

    def _layer(self, layer: Dense) -> Card:
        card = self._card("hidden_2", layer, exclude=("id",))
        form = card.findChild(OptionForm)
        assert isinstance(form, OptionForm)
        form.set_note("trainable", "30,100 parameters")
        form.set_marks({"kernel_initializer": "hint"})
        card.add(
            AdviceCard(
                self._theme,
                "ELU works best with He initialization",
                "Glorot assumes a linear unit: with ELU the signal shrinks from layer to layer.",
                fix="Use He normal",
                why=True,
            )
        )
        return card

    def _card(
        self,
        title: str,
        value: Option | Sequence[Option],
        kinds: Iterable[type[Option]] = (),
        *,
        exclude: Sequence[str] = (),
        opened: bool = False,
    ) -> Card:
        card = Card(self._theme, title, icon="share-network")
        form = OptionForm(self._theme, value, kinds=kinds, exclude=exclude)
        form.set_more_open(opened)
        form.edited.connect(
            lambda path, new: form.set_value([replaced_at(record, path, new) for record in form.value()])
        )
        card.add(form)
        return card
