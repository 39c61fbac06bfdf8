"""The chosen case beside the list: what was said of it, its passes, and a row to play with."""
