"""OpenID Connect client of identity providers. Touches the network, no table.

Authlib 1.9.9 does not replace it: ``CodeIDToken`` accepts a token that was issued long ago, a subject of two
lines, an empty ``azp`` and an ``at_hash`` that is empty or comes without its access token; with these checks
added, id_tokens has 163 lines instead of 171 and needs two more libraries. ``OAuth2Session`` bounds neither
the size of an answer nor the time of all of it, as http does.
"""
