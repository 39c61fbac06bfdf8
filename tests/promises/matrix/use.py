"""Rows 46 to 78 of the matrix: saving and recovery (C), training and window (D)."""

from __future__ import annotations

from tests.promises.matrix.row import POWER, Row

_ATOMIC = "core/test_atomic_files.py::test_"
_AUTOSAVE = "gui/shell/test_autosave.py::test_"
_UNSAVED = "gui/base/test_autosave_files.py::test_"
_DIALOGS = "gui/dialogs/test_dialogs.py::test_"
_FULL = "engine/training/test_full_disk.py::test_"
_TRAINER = "engine/training/test_trainer.py::test_"
_DIVERGED = "engine/training/monitoring/test_divergence_search.py::test_"
_ENGINE = "gui/base/test_engine_thread.py::test_"
_WINDOW = "gui/shell/test_window.py::test_"
_ORDINARY = "cli/test_ordinary_user.py::test_whatever_is_forbidden_is_one_short_sentence"

SAVING = (
    Row(
        46,
        "killed while it saves",
        "promises/test_kills.py::test_p2_a_killed_save_loses_nothing",
        "core/test_checksums.py::test_a_program_killed_before_the_file_or_after_it_leaves_a_whole_run",
    ),
    Row(
        47,
        "the n-th call to the disk fails",
        _ATOMIC + "a_fault_in_any_call_leaves_the_old_file_or_the_new_one",
        _FULL + "whichever_write_fails_the_run_can_be_read",
        "promises/test_full_disks.py::test_p3_each_write_of_each_writer_may_fail",
    ),
    Row(
        48,
        "a full disk, a file larger than allowed",
        _ATOMIC + "a_full_disk_keeps_the_old_file_and_says_how_much_is_needed",
        _ATOMIC + "a_file_larger_than_allowed_by_the_system_is_reported",
        "promises/test_full_disks.py::test_p3_a_full_disk_keeps_the_old_file_in_every_format",
        "promises/test_full_disks.py::test_p3_a_disk_of_any_size_keeps_the_old_file_of_every_writer",
    ),
    Row(
        49,
        "a place that cannot be written",
        _ATOMIC + "impossible_targets_get_one_sentence",
        _ATOMIC + "a_read_only_disk_gets_one_sentence",
        _ATOMIC + "windows_device_names_are_refused_there",
        _ORDINARY,
    ),
    Row(
        50,
        "no folder for temporary files",
        _ATOMIC + "no_folder_for_temporary_files_is_needed",
        "core/test_reserve.py::test_what_is_mapped_on_a_full_disk_is_refused_and_ends_no_process",
    ),
    Row(
        51,
        "a flush that fails",
        _ATOMIC + "a_failed_flush_is_not_tried_again",
        _ATOMIC + "a_folder_that_cannot_be_flushed_is_reported_although_the_file_is_new",
    ),
    Row(
        52,
        "a power cut",
        "promises/test_kills.py::test_a_file_is_flushed_before_it_takes_its_name_and_its_folder_after",
        reason=POWER,
    ),
    Row(
        53,
        "a file that another program holds open (Windows)",
        _ATOMIC + "windows_is_asked_again_while_another_program_holds_the_file",
        _ATOMIC + "windows_gives_up_after_a_while",
    ),
    Row(
        54,
        "links, modes, attributes of the target",
        _ATOMIC + "a_symbolic_link_stays_and_its_target_is_written",
        _ATOMIC + "mode_and_extended_attributes_are_kept",
        "core/test_private_files.py::test_nobody_else_may_read_it_while_it_is_saved",
    ),
    Row(
        55,
        "two programs at one document or run",
        "core/test_folder_lock.py::test_another_program_is_refused_and_told_who_is_at_work",
        "core/test_folder_lock.py::test_a_program_that_was_killed_holds_nothing",
        _UNSAVED + "the_work_of_a_running_process_is_its_own",
        _AUTOSAVE + "a_file_that_another_program_changed_is_not_saved_over_unasked",
    ),
    Row(
        56,
        "a file changed since it was opened",
        _AUTOSAVE + "a_file_that_another_program_changed_is_not_saved_over_unasked",
    ),
    Row(
        57,
        "saving while it trains",
        "promises/test_stops.py::test_a_run_can_be_read_at_any_moment_of_its_training",
    ),
    Row(
        58,
        "a crash with unsaved changes",
        "end2end/test_start.py::test_edits_survive_a_program_that_is_killed",
        _AUTOSAVE + "nothing_is_deleted_unless_the_person_says_so",
        _AUTOSAVE + "an_edit_is_kept_within_two_seconds_and_forgotten_when_it_is_undone_or_saved",
    ),
    Row(
        59,
        "damaged unsaved work",
        _UNSAVED + "damaged_files_are_passed_over_and_kept",
        _UNSAVED + "one_file_with_a_number_that_is_none_does_not_hide_the_others",
        "gui/base/test_fuzzed_files.py::test_a_file_of_the_window_that_was_changed_anyhow_is_read_or_passed_over",
    ),
    Row(60, "a recovery that crashes", _AUTOSAVE + "each_recovery_is_counted_so_that_a_loop_can_be_left"),
    Row(
        61,
        "what killed saves leave",
        _ATOMIC + "leftovers_of_killed_saves_are_swept_after_a_day",
        "core/workspace/test_runs.py::test_what_killed_saves_left_is_swept_after_a_day_everywhere_in_the_workspace",
    ),
    Row(
        62,
        "damaged settings",
        _DIALOGS + "settings_that_cannot_be_read_are_kept_aside_and_the_defaults_used",
        _DIALOGS + "settings_of_a_wrong_kind_are_passed_over",
        "gui/base/test_fuzzed_files.py::test_a_file_of_the_window_that_was_changed_anyhow_is_read_or_passed_over",
    ),
    Row(
        63,
        "going on after a crash",
        "engine/training/test_resume.py::test_a_run_stopped_at_any_look_goes_on_exactly",
        "engine/training/test_resume_all.py::test_stopped_in_the_second_epoch_a_run_goes_on_exactly",
        "promises/test_exactness.py::test_p9_a_killed_run_goes_on_to_the_same_weights",
    ),
    Row(
        64,
        "a disk that is full for a moment",
        _FULL + "a_disk_that_is_full_for_a_moment_costs_nothing",
        _FULL + "a_disk_that_stays_full_leaves_a_run_that_goes_on",
        _AUTOSAVE + "edits_that_cannot_be_kept_are_told_once",
        "engine/training/test_refuge.py::test_a_drive_that_goes_away_costs_nothing",
        "engine/training/test_refuge.py::test_a_write_that_fails_at_the_very_end_moves_the_run",
    ),
)
USE = (
    Row(
        65,
        "the binding drops references",
        _ENGINE + "5000_emits_across_threads_do_not_kill_the_process",
        "test_packaging.py::test_qt_is_older_than_6_12_on_python_3_11",
        "gui/base/test_signals.py::test_a_hundred_thousand_emits_keep_the_references",
    ),
    Row(
        66,
        "stop, in any phase",
        "promises/test_stops.py::test_p7_stop_is_answered_in_every_phase",
        _TRAINER + "stop_before_the_first_step_leaves_a_run_without_epochs",
        "engine/training/compiled/test_steps.py::test_a_network_that_waits_for_its_first_step_hears_a_stop",
        "engine/training/test_evaluation.py::test_evaluation_can_be_cancelled",
    ),
    Row(
        67,
        "closed while it trains",
        "soak/test_close_storm.py::test_a_hundred_closes_leave_runs_that_can_be_read",
        _WINDOW + "closing_in_mid_training_asks_and_goes_on_when_told_so",
        "end2end/test_first_five_minutes.py::test_closing_in_mid_training_stops_within_five_seconds_and_keeps_the_run",
        "end2end/test_start.py::test_the_systems_wish_to_end_closes_the_program_in_order",
        "cli/test_ending.py::test_the_wish_of_the_system_to_end_keeps_the_run",
    ),
    Row(
        68,
        "any exception in the engine",
        "engine/training/test_faults.py::test_whatever_is_raised_wherever_it_ends_the_run_once",
        _ENGINE + "a_bug_in_a_job_gives_its_traceback_and_the_next_job_runs",
        _TRAINER + "a_bug_inside_ends_with_one_last_event",
    ),
    Row(
        69,
        "a loss or weights that are no numbers",
        _DIVERGED + "a_rate_of_a_hundred_thousand_ends_in_the_explanation",
        _DIVERGED + "the_last_good_weights_are_kept",
        _DIVERGED + "a_weight_that_is_no_number_is_found_where_the_loss_does_not_show_it",
        _TRAINER + "a_loss_without_end_stops_with_the_last_finite_weights",
        "promises/test_numbers_that_are_none.py::test_p10_a_training_that_diverges_keeps_finite_weights",
    ),
    Row(
        70,
        "rates and units that cannot be",
        "core/experiment/test_fields.py::test_units_are_a_whole_number_in_range",
        "core/experiment/test_fields.py::test_a_rate_is_at_least_zero_and_below_one",
        "gui/panels/test_lab_panels.py::test_no_schedule_takes_a_number_that_cannot_be",
        "gui/panels/test_lab_panels.py::test_a_negative_rate_is_refused_in_the_optimizers_field",
    ),
    Row(
        71,
        "a flood of signals",
        _TRAINER + "batches_are_told_at_most_twenty_times_a_second",
        "promises/test_window_gaps.py::test_p8_the_window_is_never_held_up",
    ),
    Row(
        72,
        "many runs in one session",
        "soak/test_many_runs.py::test_200_runs_of_mixed_networks_do_not_grow",
        "promises/test_long_use.py::test_p12_runs_of_mixed_networks_do_not_grow",
        "engine/training/test_trainer.py::test_a_training_leaves_no_graph_behind",
    ),
    Row(
        73,
        "out of memory",
        "engine/test_session.py::test_too_little_memory_is_said",
        "engine/training/test_faults.py::test_whatever_is_raised_wherever_it_ends_the_run_once",
        "end2end/test_start.py::test_edits_survive_a_program_that_is_killed",
    ),
    Row(
        74,
        "looking at a network with batch normalization",
        "engine/sampling/test_mc_dropout.py::test_no_variable_moves_and_batch_normalization_stays_in_inference_mode",
        "engine/training/monitoring/test_layer_health.py::test_looking_touches_no_variable",
        "promises/test_exactness.py::test_p11_looking_never_changes_a_run",
    ),
    Row(
        75,
        "the same seed twice",
        _TRAINER + "the_same_seed_gives_the_same_run",
        "cli/test_main.py::test_the_same_seed_gives_the_same_history",
        "promises/test_exactness.py::test_p9_two_processes_with_one_seed_have_one_outcome",
    ),
    Row(
        76,
        "edits while it trains",
        _WINDOW + "edits_while_training_change_the_document_and_not_the_run",
        _WINDOW + "only_one_training_at_a_time",
        "gui/base/test_document_history.py::test_no_state_of_the_document_is_lost_by_undo_and_redo",
    ),
    Row(
        77,
        "the window touched by another thread",
        "test_architecture.py::test_engine_signals_are_connected_to_bound_methods",
        "gui/base/test_document.py::test_histories_are_collected_without_a_crash",
        _DIALOGS + "an_exception_of_another_thread_becomes_a_bug_told_on_the_gui_thread",
    ),
    Row(
        78,
        "a segmentation fault anywhere",
        _DIALOGS + "a_crash_is_told_of_once_at_the_next_start",
        _DIALOGS + "an_orderly_end_leaves_no_crash_log",
    ),
)
