"""Authentication of people: passwords, second factors, mailed links, browser sessions, and their limits."""
