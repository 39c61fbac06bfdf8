"""The table of a network says what there is, and adds it up."""

from __future__ import annotations

from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Flatten, Input, Reshape
from dnnstudio.core.experiment.optimizers import SGD, Adam
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.shapes import infer_shapes
from dnnstudio.core.experiment.summary_table import format_table, summary_table
from dnnstudio.core.text import byte_size

TINY = Experiment(
    layers=(
        Flatten(id="flat"),
        Dense(id="a", units=10, trainable=False),
        BatchNormalization(id="bn"),
        Dense(id="off", units=5, enabled=False),
        Dense(id="out", units=2),
    ),
    optimizer=Adam(),
    training=Training(batch_size=4),
)


def test_rows_totals_and_memory_by_hand() -> None:
    """Digits: 64 inputs; 650 frozen; 20 of 40 learnt; 22 learnt."""
    table = summary_table(TINY)
    assert [(row.id, row.output_shape, row.trainable, row.non_trainable) for row in table.rows] == [
        ("flat", (64,), 0, 0), ("a", (10,), 0, 650), ("bn", (10,), 20, 20), ("off", (10,), 0, 0), ("out", (2,), 22, 0),
    ]  # fmt: skip
    assert (table.trainable, table.non_trainable, table.count) == (42, 670, 712)
    assert table.input_shape == (8, 8)
    assert table.weight_bytes == 4 * 712
    assert table.activation_bytes == 4 * (64 + 64 + 10 + 10 + 2)
    # Weights, gradients and two averages of the learnt, the fixed, and four rows on the way there and back.
    assert table.training_bytes == 4 * (42 * 4 + 670 + 2 * 4 * 150)
    assert [row.frozen for row in table.rows] == [False, True, False, False, False]


def test_the_optimizers_memory_counts() -> None:
    plain = summary_table(TINY.replaced(optimizer=SGD())).training_bytes
    assert summary_table(TINY.replaced(optimizer=SGD(momentum=0.9))).training_bytes == plain + 4 * 42
    assert summary_table(TINY).training_bytes == plain + 4 * 2 * 42
    assert summary_table(TINY.replaced(optimizer=Adam(amsgrad=True, use_ema=True))).training_bytes == plain + 4 * 4 * 42


def test_layers_alone_and_shapes_worked_out_before_give_the_same_table() -> None:
    table = summary_table(TINY)
    assert summary_table(TINY.layers, (8, 8)).rows == table.rows
    assert summary_table(TINY, rows=infer_shapes(TINY.layers, (8, 8))) == table


def test_the_text_of_the_chapters_network() -> None:
    text = format_table(summary_table(load_recipe("batch_normalization").experiment))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for line in (
        "bn_1 Batch normalization 784 3,136 1,568 1,568",
        "dense_1 Dense 300 235,500 235,500 0",
        "bn_2 Batch normalization 300 1,200 600 600",
        "dense_2 Dense 100 30,100 30,100 0",
        "bn_3 Batch normalization 100 400 200 200",
        "output Dense 10 1,010 1,010 0",
        "Total 271,346 268,978 2,368",
    ):
        assert line in lines
    assert text.count("gamma") == text.count("moving_variance") == 3
    assert "Weights 1.1 MB" in text
    without = format_table(summary_table(load_recipe("batch_normalization").experiment), variables=False)
    assert "gamma" not in without


def test_a_layer_that_cannot_follow_is_marked_and_explained() -> None:
    broken = Experiment(layers=(Reshape(id="re", target_shape=(5, 5)), Dense(id="out", units=2, trainable=False)))
    text = format_table(summary_table(broken))
    assert "re cannot lay 64 numbers out as 5 × 5." in text
    assert text.splitlines()[2].split()[:3] == ["re", "Reshape", "?"]
    assert "Dense (frozen)" in text


def test_an_input_that_is_not_the_first_says_nothing_of_the_layers_before_it() -> None:
    table = summary_table((Dense(id="a", units=3), Input(id="late", shape=(5,))))
    assert (table.input_shape, table.count) == (None, 0)


def test_sizes_read_as_a_person_says_them() -> None:
    sizes = [0, 999, 1000, 12_345, 999_949, 999_950, 1_085_384, 2_500_000_000, 5_000_000_000_000]
    assert [byte_size(size) for size in sizes] == [
        "0 bytes", "999 bytes", "1.0 kB", "12.3 kB", "999.9 kB", "1.0 MB", "1.1 MB", "2.5 GB", "5,000.0 GB",
    ]  # fmt: skip
