"""What every window and dialog has: its frame, its place on the screen, and the order of its stops."""
