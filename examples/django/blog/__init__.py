"""A minimal blog."""
