"""The list of answers: its rows as a model, how one is drawn, and the list with its filters."""
