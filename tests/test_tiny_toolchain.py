import os
import pytest
from django.db import connection
from django.conf import settings

@pytest.mark.django_db
@pytest.mark.parametrize("n", range(4))
def test_stores(n, redis_client):
    with connection.cursor() as c:
        c.execute("select version(), current_database()"); print(c.fetchone())
    print(settings.REDIS_URL, redis_client.info()["redis_version"]); 
    assert redis_client.keys() == []
    redis_client.set("a", 1)
    assert connection.vendor == "postgresql"

@pytest.mark.browser
def test_browser(): pass
