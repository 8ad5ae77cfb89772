"""Picking pixels and the places on the floor that they show, by clicking into an image."""
