"""Person re-identification data sets and the batches made of them."""
