"""Authorization: whether an actor may do something now, decided under the organization's lock."""
