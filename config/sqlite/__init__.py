"""Back end of the embedded database."""
