"""Plans of trainings: stages, phases, compatibility of layers, splitting of tasks."""
