"""Text that people type: addresses, domains, names and local paths, normalized and checked. Pure values."""
