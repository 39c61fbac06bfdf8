"""Rows 1 to 45 of the matrix: model files (A) and data files (B)."""

from __future__ import annotations

from tests.promises.matrix.row import STALLED, UNPLUGGED, Row

_HOSTILE = "engine/model_files/test_hostile.py::test_code_in_a_file_is_named_and_never_run"
_LIMITS = "engine/model_files/test_limits.py::test_"
_DAMAGE = "engine/model_files/test_damage.py::test_"
_CHILD = "engine/model_files/test_child.py::test_"
_ROUND = "engine/model_files/test_round_trip.py::test_"
_ARCHIVES = "engine/model_files/test_archives.py::test_"
_NPZ = "engine/data/arrays/test_npz.py::test_"
_IDX = "engine/data/arrays/test_idx.py::test_"
_CSV = "engine/data/tables/test_csv.py::test_"
_DECODE = "engine/data/tables/text/test_decode.py::test_"
_LOADING = "engine/data/test_loading.py::test_"
_SCALING = "engine/data/test_scaling.py::test_"
_FOLDER = "engine/data/pictures/test_folder.py::test_"
_PICTURES = "engine/data/pictures/test_pictures.py::test_"
_TRAINER = "engine/training/test_trainer.py::test_"

MODEL_FILES = (
    Row(
        1,
        "Lambda calls a public Keras function",
        _HOSTILE,
        "promises/test_model_files.py::test_p1_no_hostile_file_runs_anything",
    ),
    Row(2, "Lambda fetches data, reads a SavedModel or writes pictures", _HOSTILE),
    Row(3, "Lambda with bytecode", _HOSTILE),
    Row(4, "class of os, builtins, subprocess, keras.src", _HOSTILE),
    Row(5, "class of somebody's own", _HOSTILE, _LIMITS + "networks_that_are_no_stack_are_refused_politely"),
    Row(
        6,
        "vocabulary path of a text layer",
        _HOSTILE,
        "test_architecture.py::test_keras_never_loads_what_a_person_chose",
    ),
    Row(
        7, "layers of Torch, JAX, Flax", _HOSTILE, "promises/test_model_files.py::test_p1_no_hostile_file_runs_anything"
    ),
    Row(
        8,
        "external link to a pipe, a share, a device",
        "engine/model_files/test_hostile.py::test_a_link_to_a_pipe_does_not_hang",
        "engine/model_files/test_hostile.py::test_an_array_elsewhere_is_refused_without_looking",
    ),
    Row(
        9,
        "links and arrays elsewhere, at any depth, in any format",
        "engine/model_files/test_hostile.py::test_an_array_elsewhere_is_refused_without_looking",
    ),
    Row(
        10,
        "arrays that claim gigabytes",
        "engine/model_files/test_hostile.py::test_arrays_that_lie_are_refused_before_they_are_read",
        _CHILD + "no_small_file_costs_much_time_or_memory",
    ),
    Row(
        11,
        "settings that claim gigabytes",
        _LIMITS + "a_network_too_large_for_a_file_is_refused_before_anything_is_built",
        _LIMITS + "rows_have_a_greatest_length",
        _LIMITS + "a_layer_may_not_blow_a_row_up",
    ),
    Row(12, "impossible units", _LIMITS + "impossible_units_are_named_with_their_layer"),
    Row(
        13,
        "hundreds of layers",
        _LIMITS + "layers_are_counted_before_they_are_read",
        _CHILD + "no_small_file_costs_much_time_or_memory",
    ),
    Row(
        14,
        "archives that unpack to more",
        _ARCHIVES + "an_archive_that_lies_is_refused",
        _CHILD + "no_small_file_costs_much_time_or_memory",
        "engine/model_files/test_old_writings.py::test_a_small_file_that_unpacks_to_far_more_is_refused",
    ),
    Row(15, "archives whose directory lies", _ARCHIVES + "an_archive_that_lies_is_refused"),
    Row(
        16,
        "a description that is no JSON, or too much of it",
        _LIMITS + "json_of_any_kind_gives_one_sentence",
        _LIMITS + "json_may_be_as_deep_as_the_limit",
        _LIMITS + "descriptions_with_anything_anywhere_never_surprise",
    ),
    Row(17, "another version of Keras, or none", _LIMITS + "the_version_of_keras_decides"),
    Row(18, "weights that are no numbers", _ROUND + "nan_is_said_and_kept"),
    Row(
        19,
        "bit rot in .h5 and .weights.h5",
        _DAMAGE + "every_flipped_bit_is_noticed",
        _DAMAGE + "a_foreign_file_with_wild_weights_opens_with_a_word",
        "promises/test_model_files.py::test_p4_every_flipped_bit_is_noticed",
    ),
    Row(
        20,
        "bit rot in .keras",
        _DAMAGE + "every_flipped_bit_is_noticed",
        "promises/test_model_files.py::test_p4_every_flipped_bit_is_noticed",
    ),
    Row(
        21,
        "a file cut short",
        _DAMAGE + "a_file_cut_short_anywhere_is_refused",
        _DAMAGE + "a_foreign_file_cut_short_is_refused",
    ),
    Row(
        22,
        "weights of another network",
        _ROUND + "weights_for_another_network_are_refused_with_a_table",
        _ROUND + "weights_that_do_not_fit_leave_the_model_bit_for_bit",
        _ROUND + "a_failure_in_the_middle_of_assigning_is_undone",
    ),
    Row(
        23,
        "any loss, or no training settings",
        "engine/model_files/test_compiled.py::test_loss_and_metric_are_the_task_s",
        "engine/model_files/test_compiled.py::test_a_stranger_s_compile_configuration_is_neither_read_nor_passed_on",
        _ROUND + "a_file_of_keras_2_gives_the_answers_it_gave_there",
    ),
    Row(
        24,
        "files of other programs and versions",
        _LIMITS + "other_kinds_of_files_are_called_by_their_name",
        _LIMITS + "folders_are_called_by_what_is_in_them",
    ),
    Row(25, "a wrong suffix", _LIMITS + "the_content_counts_and_not_the_suffix"),
    Row(
        26,
        "a file that crashes the HDF5 library",
        _CHILD + "a_child_that_dies_leaves_one_sentence",
        _CHILD + "a_child_that_hangs_is_ended",
    ),
    Row(
        27,
        "a file that changes, goes or stalls while it is read",
        _CHILD + "reading_can_be_called_off",
        _CHILD + "a_pipe_is_not_opened_and_a_missing_file_is_said",
        "engine/data/tables/test_row_blocks.py::test_a_file_that_changes_while_it_is_read_is_said_to",
        reason=STALLED,
    ),
    Row(
        28,
        "odd names of layers",
        _LIMITS + "odd_layer_names_become_safe_ones_and_are_said",
        _LIMITS + "layers_of_one_name_get_names_of_their_own",
    ),
    Row(
        29,
        "networks that are no stack",
        _LIMITS + "networks_that_are_no_stack_are_refused_politely",
        "engine/model_files/test_chains.py::test_a_graph_is_refused_by_what_makes_it_one",
    ),
)
DATA_FILES = (
    Row(
        30,
        "pickled arrays",
        _NPZ + "pickled_objects_are_refused_and_never_run",
        "test_architecture.py::test_no_pickles_are_read",
    ),
    Row(
        31,
        "array headers that lie",
        _NPZ + "a_lying_header_is_refused_before_anything_is_read",
        "core/test_stored_arrays.py::test_anything_else_is_refused_without_taking_memory",
    ),
    Row(
        32,
        "array archives that lie, or say not what is what",
        _NPZ + "archives_that_lie",
        _NPZ + "a_zip_bomb_is_refused_from_the_directory",
        _NPZ + "arrays_that_are_no_data_set",
        "engine/data/arrays/test_roles.py::test_doubt_is_told_with_all_candidates_and_mended",
    ),
    Row(
        33,
        "IDX headers that lie",
        _IDX + "a_lying_header_is_refused_in_one_kind_of_sentence",
        _IDX + "every_truncation_and_every_flipped_bit_is_noticed",
    ),
    Row(
        34,
        "gzip: cut, damaged, trailing, a bomb",
        _IDX + "gzip_faults",
        _IDX + "a_bomb_is_read_no_further_than_its_header_says",
        _IDX + "a_packed_file_cannot_claim_more_than_deflate_could_hold",
        "engine/data/tables/test_row_blocks.py::test_a_cut_archive_is_refused_by_name",
    ),
    Row(
        35,
        "pictures and labels that do not belong together",
        _IDX + "pictures_and_labels_must_belong_together",
        _NPZ + "arrays_that_are_no_data_set",
    ),
    Row(
        36,
        "cells that are no numbers",
        _CSV + "a_text_among_numbers_is_named_by_line_column_and_text",
        _CSV + "an_empty_cell_is_refused_left_out_or_filled_as_chosen",
        _CSV + "all_empty_cells_are_counted",
        "engine/data/tables/test_judge.py::test_a_number_is_read_as_it_is_written_or_not_at_all",
        "test_architecture.py::test_tables_are_not_read_by_genfromtxt",
    ),
    Row(
        37,
        "tables of odd form and encoding",
        _CSV + "a_file_that_is_no_table_is_refused_by_line",
        _CSV + "other_ways_to_write_the_same_table",
        _CSV + "any_text_gives_a_finite_table_or_a_user_error",
        _DECODE + "what_is_no_text_table_is_refused",
        _DECODE + "lines_of_another_width_are_left_out_and_named_by_number",
        _DECODE + "an_unclosed_quote_costs_its_own_line_at_most",
        _DECODE + "no_text_makes_the_reader_stumble",
    ),
    Row(
        38,
        "labels with gaps, of one class, as texts",
        _NPZ + "labels_of_every_kind",
        _NPZ + "labels_with_gaps_are_numbered_and_filtered_by_their_own_value",
        _CSV + "label_columns",
        "core/analysis/test_checks.py::test_the_problem_is_found_alone_and_its_fix_clears_it",
    ),
    Row(
        39,
        "constant columns and huge scales",
        _SCALING + "a_constant_column_becomes_zero_and_never_nan",
        _SCALING + "huge_and_tiny_columns_are_standardized",
        "engine/data/test_preparation.py::test_a_column_of_one_value_becomes_zero_and_nothing_is_divided_by_zero",
        "engine/data/test_extreme_numbers.py::test_a_column_whose_spread_cannot_be_computed_is_refused_by_name",
    ),
    Row(
        40,
        "one value among a million that is none",
        _LOADING + "one_wrong_value_among_a_million_is_refused",
        _TRAINER + "one_bad_number_in_the_data_is_noticed",
        "promises/test_numbers_that_are_none.py::test_p10_one_value_that_is_none_is_refused_wherever_it_is",
    ),
    Row(
        41,
        "pictures of any kind, too large, damaged",
        _FOLDER + "every_kind_of_picture_gets_its_grey",
        _FOLDER + "a_picture_that_cannot_be_used_is_left_out_and_named",
        _FOLDER + "every_cut_of_a_jpeg_is_left_out_or_whole",
        _FOLDER + "the_first_frame_of_an_animation_is_taken",
        _PICTURES + "a_picture_is_turned_as_its_camera_says",
        _PICTURES + "32_bit_tiffs_alpha_and_colour_of_16_bits",
    ),
    Row(
        42,
        "folders of any kind",
        _FOLDER + "what_lies_about_in_folders",
        _FOLDER + "folders_that_hold_no_data_set",
        _PICTURES + "what_holds_no_data_set_is_said",
        _PICTURES + "damaged_files_are_left_out_and_listed",
        _PICTURES + "reading_is_cancelled_between_pictures",
    ),
    Row(
        43,
        "data larger than memory",
        _LOADING + "too_little_memory_is_said_before_reading",
        _CSV + "a_large_table_is_cancelled_and_memory_is_estimated",
        "engine/test_session.py::test_too_little_memory_is_said",
    ),
    Row(
        44,
        "a drive that goes while it is read",
        _IDX + "a_disk_error_while_reading_is_a_user_error",
        _LOADING + "a_failed_or_cancelled_load_leaves_nothing_behind",
        reason=UNPLUGGED,
    ),
    Row(
        45,
        "empty parts, batches of nothing",
        "engine/data/test_splitting.py::test_an_empty_part_is_refused",
        "engine/data/test_splitting.py::test_too_few_rows_are_refused",
        _TRAINER + "a_batch_larger_than_the_data_is_the_data",
        _TRAINER + "what_cannot_be_trained_is_refused",
        "gui/panels/test_data_panel.py::test_a_validation_that_would_take_everything_becomes_a_share",
    ),
)
