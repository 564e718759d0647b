# SPDX-License-Identifier: MIT
"""twemproxy (Debian's nutcracker) between a client and a server."""

import contextlib
import re
import socket
import subprocess

from harness import DEADLINE, wait_for
from redis_servers import free_port


class Twemproxy:
    """A pool for each address; a pool's server is ejected for a minute by its first failure."""

    def __init__(self, folder, *addresses, redis=False):
        folder.mkdir(parents=True, exist_ok=True)
        self.addresses = []
        pools = []
        for number, (host, port) in enumerate(addresses):
            self.addresses.append(("127.0.0.1", free_port()))
            pools.append(
                f"pool{number}:\n"
                f"  listen: 127.0.0.1:{self.addresses[-1][1]}\n"
                f"  redis: {'true' if redis else 'false'}\n"
                "  hash: fnv1a_64\n"
                "  distribution: ketama\n"
                f"  timeout: {int(DEADLINE * 1000)}\n"
                "  auto_eject_hosts: true\n"
                "  server_failure_limit: 1\n"
                "  server_retry_timeout: 60000\n"
                "  servers:\n"
                f"    - {host}:{port}:1\n"
            )
        config = folder / "nutcracker.yml"
        config.write_text("".join(pools))
        self.log = folder / "nutcracker.log"
        stats_port = str(free_port())
        command = ["nutcracker", "-c", config, "-o", self.log, "-a", "127.0.0.1", "-s", stats_port]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __enter__(self):
        try:
            wait_for(self._listens, "twemproxy to listen")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def _listens(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError):
            for address in self.addresses:
                socket.create_connection(address).close()
            return True
        return False

    def stop(self):
        self.process.kill()
        self.process.wait(DEADLINE)


def version():
    done = subprocess.run(["nutcracker", "--version"], capture_output=True, text=True, check=False)
    return re.search(r"nutcracker-([\d.]+)", done.stdout + done.stderr)[1]
