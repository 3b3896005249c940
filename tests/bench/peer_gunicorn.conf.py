"""The peers are served as Tessera is, without what belongs to Tessera."""

import os

wsgi_app = "tests.bench.peer_wsgi:application"
bind = f"127.0.0.1:{os.environ['PORT']}"
workers = int(os.environ["WEB_CONCURRENCY"])
worker_class = "gthread"
threads = 8
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
keepalive = 75
control_socket_disable = True
