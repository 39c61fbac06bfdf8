"""Runs and models on disk: run folders, histories, the catalog of models, links between them."""
