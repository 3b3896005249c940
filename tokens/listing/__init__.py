"""The list of tokens: filters, order, and rows."""
