"""Readers of folders of pictures, and thumbnails."""
