"""The tab Distribution: the outputs of every pass for one row."""
