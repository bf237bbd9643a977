"""The protocols that blogs speak to the server: Akismet, Coral and the posts API."""
