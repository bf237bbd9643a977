"""A blog, as small as it can be."""
