"""Proving who a person is: passwords, second factors, mailed links, browser sessions, and their limits."""
