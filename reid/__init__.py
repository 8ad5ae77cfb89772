"""Person re-identification: networks, losses, training, evaluation and embedding.

Importing this package is cheap; torch is loaded by the modules that need it.
"""
