"""The messages between the engine and its clients: requests, events, results, control flags."""
