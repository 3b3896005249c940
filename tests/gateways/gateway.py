"""A real nginx or Caddy on loopback, run with the lines that the README files show."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from pathlib import Path

from tests.support.servers import ROOT, end_with_parent
from tests.support.stores.store import free_port
from tests.support.waiting import PATIENCE, wait_until

KINDS = ("nginx", "caddy")
STOP_SECONDS = 10
# Debian keeps servers out of an ordinary user's PATH.
PLACES = ("/usr/sbin", "/usr/local/sbin")
NGINX = """
daemon off; master_process off; pid nginx.pid; error_log stderr;
events { worker_connections 128; }
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
%s
}
"""
CADDY = """
{
    admin off
    auto_https off
    storage file_system data
}
%s
"""


def program(name: str) -> str | None:
    found = shutil.which(name)
    return found or next((path for place in PLACES if (path := shutil.which(f"{place}/{name}"))), None)


def lines(kind: str, readme: str = "tokens/README.md") -> str:
    """Return the README's one block of that language that names Tessera's endpoint."""
    text = (ROOT / readme).read_text()
    (found,) = [
        block for block in re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL) if "/api/auth/verify" in block
    ]
    return str(found)


class Gateway:
    """``port`` is where clients ask; ``tessera`` and ``api`` are the ports behind it.

    ``require`` replaces the permission in the lines, which are those of tokens/README.md by default.
    """

    def __init__(
        self,
        kind: str,
        folder: Path,
        *,
        tessera: int,
        api: int,
        require: str = "index:read:*",
        text: str = "",
    ) -> None:
        self.kind, self.port = kind, free_port()
        self.log_file = folder / "log"
        self._folder = folder
        places = {"127.0.0.1:8000": f"127.0.0.1:{tessera}", "127.0.0.1:9000": f"127.0.0.1:{api}"}
        places |= {"tessera.example.com": "127.0.0.1", "listen 8080": f"listen 127.0.0.1:{self.port}"}
        places |= {"api.example.com": f"http://127.0.0.1:{self.port}", "index:read:*": require}
        text = text or lines("nginx" if kind == "nginx" else "caddyfile")
        for example, here in places.items():
            text = text.replace(example, here)
        self._start({"nginx": NGINX, "caddy": CADDY}[kind] % text)

    def _start(self, text: str) -> None:
        file = self._folder / "config"
        file.write_text(text)
        found = program(self.kind) or self.kind
        command = {
            "nginx": [found, "-p", str(self._folder), "-c", str(file), "-e", "stderr"],
            "caddy": [found, "run", "--config", str(file), "--adapter", "caddyfile"],
        }[self.kind]
        homes = {name: str(self._folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=homes,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=end_with_parent,  # noqa: PLW1509
            )
        wait_until(self._listens)

    def _listens(self) -> bool:
        assert self._process.poll() is None, (
            f"{self.kind} did not start:\n{self.log_file.read_text()[-4000:]}"
        )
        try:
            socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
