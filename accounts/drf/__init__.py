"""Subclasses of Django REST framework's classes, for the API of every app. No queries."""
