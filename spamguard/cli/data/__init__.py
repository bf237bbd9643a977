"""Commands of an analyst: train and measure models, look at many comments."""
