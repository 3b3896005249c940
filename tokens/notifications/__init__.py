"""The mails about credentials that go into the outbox."""
