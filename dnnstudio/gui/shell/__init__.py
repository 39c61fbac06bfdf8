"""The main window: layout, assembly, toolbar, status and message lines, and the handlers of its actions."""
