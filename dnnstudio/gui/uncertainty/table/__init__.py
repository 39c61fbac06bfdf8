"""Rows of a table instead of pictures: the list by columns, and one row among the training rows."""
