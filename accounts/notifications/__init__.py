"""The transactional outbox of mails. Flows enter; no other room sends mail."""
