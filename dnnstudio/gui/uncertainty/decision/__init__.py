"""The tab Decision: which rows to refer to a person."""
