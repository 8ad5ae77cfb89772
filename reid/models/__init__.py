"""Networks that turn an image of a person into an appearance vector."""
