"""The transactional outbox of emails. Flows write to it, and no other room sends email."""
