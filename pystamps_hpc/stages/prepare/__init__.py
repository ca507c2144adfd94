"""Preparation: from images to candidates, before stage 1."""
