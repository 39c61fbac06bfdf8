"""Basic parts of the window: document, engine thread, actions, settings, errors."""
