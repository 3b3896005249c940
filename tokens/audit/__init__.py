"""What credentials write into the audit log, and where its entries link to."""
