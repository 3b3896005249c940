"""How gunicorn serves Tessera: `gunicorn --config config/gunicorn.conf.py`, from the project's folder."""

import os

from gunicorn import util
from gunicorn.arbiter import Arbiter
from gunicorn.http.message import Request
from gunicorn.workers.base import Worker

from config.environment import Env
from config.server import draining, metrics_folder
from config.server.housekeeper import housekeeper
from config.server.logger import LineLogger

wsgi_app = "config.wsgi:application"
env = Env()
bind = f"127.0.0.1:{env.int('PORT', default=8000)}"
# Number of worker processes, one for each core.
workers = env.int("WEB_CONCURRENCY", default=2)
# Seconds for which a stopping server still answers, with 503 at /readyz, so that a balancer notices.
drain_seconds = env.float("DRAIN_SECONDS", default=0.0)
# Whether gunicorn runs housekeeping beside its workers.
housekeeping = env.bool("HOUSEKEEPING", default=True)

worker_class = "config.server.worker.Worker"
threads = 8
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

timeout = 30
graceful_timeout = 20
# sendfile would wait in the kernel for a client that reads nothing; see config/server/client_socket.py.
sendfile = False
# Longer than nginx keeps an idle connection to us (60 s), so that we never close it under a request.
keepalive = 75

limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190

# Whom to believe about the client is Django's decision (TRUSTED_PROXY_COUNT), not the server's.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
control_socket_disable = True

# The address of a mailed link carries its secret: requests are logged by route (config.http.access_log).
accesslog = None
logger_class = LineLogger
loglevel = env.str("LOG_LEVEL", default="INFO").lower()


def on_starting(server: Arbiter) -> None:
    metrics_folder.create(server, worker_tmp_dir)


def when_ready(server: Arbiter) -> None:
    draining.announce(server, drain_seconds)
    if housekeeping:
        housekeeper.start(server.log)


def pre_fork(server: Arbiter, worker: Worker) -> None:
    metrics_folder.restore(server)


def post_worker_init(worker: Worker) -> None:
    # Django's settings, which the headers depend on, are read by now.
    from config.server import error_responses  # noqa: PLC0415

    util.write_error = error_responses.write


def post_fork(server: Arbiter, worker: Worker) -> None:
    housekeeper.leave()


def pre_request(worker: Worker, req: Request) -> None:
    """gunicorn's own would write the path at DEBUG, and a mailed link's carries its secret."""


def worker_exit(server: Arbiter, worker: Worker) -> None:
    if worker.booted:
        # It imports models, which a worker has loaded that has started.
        from ratelimit.statistics.observations import gatherer  # noqa: PLC0415

        gatherer.flush()


def child_exit(server: Arbiter, worker: Worker) -> None:
    metrics_folder.forget_gauges(worker.pid)


def on_reload(server: Arbiter) -> None:
    housekeeper.renew()


def on_exit(server: Arbiter) -> None:
    housekeeper.stop()
    metrics_folder.remove()
