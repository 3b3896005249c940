"""Whether an actor may do something now, read under the organization's lock. Flows enter; reads rows only."""
