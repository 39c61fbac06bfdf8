"""The tab Promise: sets of classes that hold the label in a promised share of cases."""
