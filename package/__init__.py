"""Makes the Debian package."""
