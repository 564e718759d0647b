# SPDX-License-Identifier: MIT
"""Clients that people have, unmodified and without a setting: tests/clients/ and Debian's."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import time
import urllib.request

import pytest
import redis

import client_programs
import client_table
import twemproxy
from client_programs import BINARY, CLIENTS, LARGE, MIB, UTF8, UTF8_VALUE, Program, node_modules
from harness import DEADLINE, SANITIZER, Client, Server, wait_for
from redis_servers import free_port, lmdb_file, redis_config

pytestmark = pytest.mark.skipif(
    SANITIZER is not None, reason="a foreign client shows no more of memory than raw bytes do"
)

READONLY = "READONLY You can't write against a read only replica."


def words(marker):
    return {
        **client_programs.words(marker),
        b"user": {b"mail": b"ada@example.org", b"name": b"Ada"},
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(
        tmp_path_factory.mktemp("clients") / "server", **redis_config(storage="lmdb")
    ).start()
    server.load(lmdb_file(words("one")))
    yield server
    server.stop()


@pytest.fixture
def swap(server):
    """Swaps the data set; returns what its marker is then."""

    def swap():
        number = server.load(lmdb_file(words(f"set {server.mark()}")))
        assert number > 1
        with redis.Redis(*server.address()) as conn:
            return conn.get("marker")

    return swap


@pytest.fixture
def results(record_property, request):
    """What a client could do, by column, for the table; `version` is to be set."""
    yield from client_table.line_of_test("redis", record_property, request)


def test_the_table_in_the_docs_is_that_of_these_tests():
    client_table.check_documented("redis", globals())


# ---- programs that print their steps (tests/clients/README.md) -----------------------------------


def check_steps(server, swap, results, command, **env):
    known = connections(server)
    with Program(server.address(), command, **env) as program:
        program.read_until("before")
        assert connections(server) == known + 2  # that which asks, and one for all steps so far
        version = program.one("version")
        results["version"] = version if isinstance(version, str) else version.decode()
        results["connect"] = "yes"
        assert program.one("hit") == b"piyo"
        results["hit"] = "yes"
        assert program.one("miss") is None
        results["miss"] = "nil"
        assert program.one("utf8") == UTF8_VALUE
        results["UTF-8"] = "yes"
        assert program.one("many") == [b"piyo", None, UTF8_VALUE]
        results["many"] = "yes"
        assert program.one("binary") == BINARY
        results["binary"] = "yes"
        assert program.one("mib") == MIB
        results["1 MiB"] = "yes"
        assert program.one("16mib") == LARGE
        results["16 MiB"] = "yes"
        assert program.one("hash") == [b"mail", b"ada@example.org", b"name", b"Ada"]
        results["hash"] = "yes"
        assert program.one("write") == f"error {READONLY}"
        results["write"] = "READONLY"
        assert program.results["pipeline"] == [b"piyo", None, b"piyo"]
        results["pipeline"] = "yes"
        if "transaction" in program.results:
            assert program.one("transaction") == [b"piyo", None]
            results["transaction"] = "yes"
        if "scan" in program.results:
            assert program.one("scan") == UTF8.encode()
            results["scan"] = "yes"
        marker = swap()
        assert program.one("before") != marker
        program.go_on()
        program.read_until("after")
        assert program.one("after") == marker
        assert connections(server) == known + 4  # that of swap()
        results["swap"] = "same connection"
        program.ends_well()


def test_hiredis(server, swap, results, tmp_path):
    program = tmp_path / "hiredis_client"
    command = [*os.environ.get("CC", "cc").split(), "-Wall", "-Wextra", "-Werror", "-o", program]
    subprocess.run([*command, CLIENTS / "hiredis_client.c", "-lhiredis"], check=True)
    check_steps(server, swap, results, [program])


def test_phpredis(server, swap, results):
    check_steps(server, swap, results, ["php", CLIENTS / "php_redis.php"])


@pytest.fixture(scope="module")
def node_path():
    return node_modules(least=20)


def test_ioredis(server, swap, results, node_path):
    program = CLIENTS / "node" / "ioredis.cjs"
    check_steps(server, swap, results, ["node", program], NODE_PATH=node_path)


def test_node_redis(server, swap, results, node_path):
    program = CLIENTS / "node" / "node_redis.cjs"
    check_steps(server, swap, results, ["node", program], NODE_PATH=node_path)


# ---- redis-py ------------------------------------------------------------------------------------


def test_redis_py(server, swap, results):
    results["version"] = redis.__version__
    with redis.Redis(*server.address(), single_connection_client=True) as conn:
        assert conn.ping()
        results["connect"] = "yes"
        assert conn.get("hoge") == b"piyo"
        results["hit"] = "yes"
        assert conn.get("nothing") is None
        results["miss"] = "nil"
        assert conn.mget("hoge", "nothing", UTF8) == [b"piyo", None, UTF8_VALUE]
        results["many"] = results["UTF-8"] = "yes"
        assert conn.get("binary") == BINARY
        results["binary"] = "yes"
        assert conn.get("mib") == MIB
        results["1 MiB"] = "yes"
        assert conn.get("16mib") == LARGE
        results["16 MiB"] = "yes"
        with pytest.raises(redis.exceptions.ReadOnlyError, match="read only replica"):
            conn.set("hoge", b"a\r\nb")
        results["write"] = "ReadOnlyError"
        assert conn.hgetall("user") == {b"mail": b"ada@example.org", b"name": b"Ada"}
        results["hash"] = "yes"
        with conn.pipeline() as pipe:  # MULTI and EXEC around it, as it is by default
            assert pipe.get("hoge").get("nothing").hget("user", "name").execute() == [
                b"piyo",
                None,
                b"Ada",
            ]
        results["transaction"] = "yes"
        assert sorted(conn.scan_iter(count=2)) == sorted(words(""))
        assert list(conn.hscan_iter("user", count=1))
        results["scan"] = "yes"
        pubsub = conn.pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe("__goromdb__:generation")
        assert pubsub.get_message(timeout=DEADLINE) is None  # the subscription
        before = conn.get("marker")
        marker = swap()
        assert before != marker == conn.get("marker")
        results["swap"] = "same connection"
        message = pubsub.get_message(timeout=DEADLINE)
        assert re.fullmatch(rb"words \d+", message["data"]), message
        pubsub.close()
        results["pub/sub"] = "yes"
        assert conn.info()["role"] == "master" and conn.info()["loading"] == 0
        assert conn.info("keyspace")["db0"]["keys"] == len(words(""))
        assert conn.client_list() and conn.config_get("databases") == {"databases": "1"}
        assert conn.command_count() > 200 and conn.command()["get"]["arity"] == 2
        results["INFO, CONFIG, CLIENT, COMMAND"] = "yes"


def test_redis_py_through_twemproxy(server, swap, results, tmp_path):
    """The proxy keeps its connection, and the server, after each refusal."""
    with twemproxy.Twemproxy(tmp_path / "proxy", server.address(), redis=True) as proxy:
        with redis.Redis(*proxy.addresses[0], single_connection_client=True) as conn:
            assert conn.get("hoge") == b"piyo"
            assert conn.get("nothing") is None
            results |= {"connect": "yes", "hit": "yes", "miss": "nil"}
            assert conn.mget("hoge", "nothing", UTF8) == [b"piyo", None, UTF8_VALUE]
            results["many"] = results["UTF-8"] = "yes"
            assert conn.get("binary") == BINARY
            assert conn.get("mib") == MIB
            assert conn.get("16mib") == LARGE
            results |= {"binary": "yes", "1 MiB": "yes", "16 MiB": "yes"}
            number = connections(server)
            for ask in (lambda: conn.set("hoge", b"a\r\nb"), lambda: conn.delete("hoge")):
                with pytest.raises(redis.exceptions.ReadOnlyError, match="read only replica"):
                    ask()
                assert conn.get("hoge") == b"piyo"
            assert connections(server) == number + 1  # that which asks
            results["write"] = "ReadOnlyError"
            before = conn.get("marker")
            assert before != swap() == conn.get("marker")
            results["swap"] = "yes"
    results["version"] = twemproxy.version()


def connections(server):
    """How many there ever were, this one's among them."""
    with redis.Redis(*server.address()) as conn:
        return conn.info("stats")["total_connections_received"]


# ---- redis-cli -----------------------------------------------------------------------------------


def cli(server, *words_, binary=False, seconds=DEADLINE):
    host, port = server.address()
    done = subprocess.run(
        ["redis-cli", "-h", host, "-p", str(port), *words_],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    assert done.stderr == b"", done.stderr
    return done.stdout if binary else done.stdout.decode()


def test_redis_cli(server, swap, results):
    results["version"] = cli(server, "--version").split()[1]
    assert cli(server, "PING") == "PONG\n"
    results["connect"] = "yes"
    assert cli(server, "GET", "hoge") == "piyo\n"
    assert cli(server, "-3", "--no-raw", "GET", "hoge") == '"piyo"\n'
    results["hit"] = "yes"
    assert cli(server, "--no-raw", "GET", "nothing") == "(nil)\n"
    assert cli(server, "-3", "--no-raw", "GET", "nothing") == "(nil)\n"
    results["miss"] = "nil"
    assert cli(server, "--no-raw", "MGET", "hoge", "nothing") == '1) "piyo"\n2) (nil)\n'
    results["many"] = "yes"
    assert cli(server, "GET", UTF8, binary=True) == UTF8_VALUE + b"\n"
    results["UTF-8"] = "yes"
    assert cli(server, "GET", "binary", binary=True) == BINARY + b"\n"
    results["binary"] = "yes"
    assert cli(server, "GET", "mib", binary=True) == MIB + b"\n"
    results["1 MiB"] = "yes"
    assert cli(server, "-3", "GET", "16mib", binary=True) == LARGE + b"\n"
    results["16 MiB"] = "yes"
    assert cli(server, "SET", "hoge", "x") == f"{READONLY}\n\n"
    results["write"] = "READONLY"
    host, port = server.address()
    with subprocess.Popen(
        ["redis-cli", "-h", host, "-p", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:

        def ask(text):
            process.stdin.write(text)
            process.stdin.flush()
            return process.stdout.readline().rstrip(b"\n")

        number, before = ask(b"CLIENT ID\n"), ask(b"GET marker\n")
        marker = swap()
        assert before != marker == ask(b"GET marker\n")
        assert ask(b"CLIENT ID\n") == number
    results["swap"] = "same connection"
    assert cli(server, "-3", "HGETALL", "user") == "mail ada@example.org\nname Ada\n"
    assert "redis_version:7.2.4" in cli(server, "INFO")


def test_redis_cli_scan(server):
    expected = sorted(key.decode() for key in words(""))
    assert sorted(cli(server, "--scan").splitlines()) == expected
    assert cli(server, "--scan", "--pattern", "ho*") == "hoge\n"
    assert cli(server, "-3", "--scan", "--pattern", "u*") == "user\n"


def test_redis_cli_bigkeys_and_memkeys(server):
    for option, unit in (("--bigkeys", "fields"), ("--memkeys", "bytes")):
        text = cli(server, option)
        assert f"Sampled {len(words(''))} keys in the keyspace!" in text
        assert "Biggest string found '\"16mib\"' has" in text
        assert re.search(rf"Biggest   hash found '\"user\"' has \d+ {unit}", text)
        assert re.search(r"^1 hashs with ", text, re.MULTILINE)
        assert re.search(r"^6 strings with ", text, re.MULTILINE)


def test_redis_cli_stat(server):
    host, port = server.address()
    command = ["redis-cli", "-h", host, "-p", str(port), "--stat", "-i", "0.05"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        lines = [process.stdout.readline() for _ in range(4)]
        process.kill()
    assert re.match(rb"keys\s+mem\s+clients\s+blocked\s+requests\s+connections", lines[1])
    for line in lines[2:]:
        assert re.match(
            rb"%d\s+[\d.]+[KMG]\s+\d+\s+0\s+\d+ \(\+\d+\)\s+\d+" % len(words("")), line
        ), line


class Terminal:
    """A program that believes that a person sits before it."""

    def __init__(self, *command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "dumb"
            os.execvp(command[0], command)
        self.shown = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read_until(self, pattern):
        """What has been shown since the last match, with this one, without colours."""
        end = time.monotonic() + DEADLINE
        while not (found := re.search(pattern, self.shown)):
            assert time.monotonic() < end, f"no {pattern!r} in {self.shown!r}"
            if select.select([self.fd], [], [], 0.1)[0]:
                self.shown += os.read(self.fd, 65536)
        shown, self.shown = self.shown[: found.end()], self.shown[found.end() :]
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]|\r", "", shown.decode(errors="replace"))


def test_redis_cli_before_a_person(server):
    """It asks for COMMAND DOCS then, for its help and its hints."""
    host, port = server.address()
    prompt = rb"%s:%d> " % (host.encode(), port)
    with Terminal("redis-cli", "-h", host, "-p", str(port)) as terminal:
        terminal.read_until(prompt)
        terminal.type("help hget\n")
        text = terminal.read_until(rb"group:\S* hash\s")
        assert "HGET key field" in text and "summary: " in text and "since: 2.0.0" in text
        terminal.read_until(prompt)
        terminal.type("HGETALL user\n")
        assert '1) "mail"\n2) "ada@example.org"' in terminal.read_until(prompt)
        terminal.type("MULTI\n")
        terminal.read_until(rb"\(TX\)> ")
        terminal.type("GET hoge\n")
        terminal.read_until(rb"QUEUED\r\n.*\(TX\)> ")
        terminal.type("EXEC\n")
        assert '1) "piyo"' in terminal.read_until(prompt)
        terminal.type("help @string\n")
        assert "GETRANGE key start end" in terminal.read_until(prompt)
        terminal.type("quit\n")


def benchmark(server, *options):
    host, port = server.address()
    done = subprocess.run(
        ["redis-benchmark", "-h", host, "-p", str(port), "--csv", *map(str, options)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    lines = done.stdout.replace("\r", "\n").splitlines()
    rates = [line.split('","')[1] for line in lines if line.startswith('"') and "rps" not in line]
    return done.returncode, [float(rate) for rate in rates], done.stdout + done.stderr


def test_redis_benchmark(server, results):
    for resp in ((), ("-3",)):
        code, rates, text = benchmark(server, "-n", 2000, "-t", "ping,get", *resp)
        assert code == 0 and len(rates) == 3 and min(rates) > 0, text
        code, rates, text = benchmark(
            server, "-n", 20000, "-P", 16, *resp, "MGET", "hoge", "nothing", "marker"
        )
        assert code == 0 and len(rates) == 1 and rates[0] > 0, text
        assert "rror" not in text and "WARN" not in text, text
    code, rates, text = benchmark(
        server, "-n", 2000, "--threads", 2, "-r", 1000, "GET", "k:__rand_int__"
    )
    assert code == 0 and len(rates) == 1, text
    code, _, text = benchmark(server, "-n", 100, "-t", "set")
    assert code != 0 and READONLY in text, text
    results |= {"version": cli(server, "--version").split()[1], "connect": "yes", "hit": "yes"}
    results |= {"miss": "yes", "many": "yes", "write": "READONLY"}


# ---- what watches servers ------------------------------------------------------------------------


def exporter_metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=DEADLINE) as page:
        text = page.read().decode()
    return dict(
        line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")
    )


def test_prometheus_redis_exporter(server, swap, results, tmp_path):
    host, port = server.address()
    web = free_port()
    log = tmp_path / "exporter.log"
    command = ["prometheus-redis-exporter", "-redis.addr", f"redis://{host}:{port}"]
    command += [
        "-web.listen-address",
        f"127.0.0.1:{web}",
        "-check-single-keys",
        "db0=hoge,db0=user",
    ]
    with open(log, "wb") as output, subprocess.Popen(
        [*command, "-export-client-list"], stdout=output, stderr=output
    ) as process:
        try:

            def answers():
                assert process.poll() is None, log.read_text()
                with contextlib.suppress(OSError):
                    return exporter_metrics(web)
                return None

            metrics = wait_for(answers, "the exporter to answer")
            assert metrics["redis_up"] == "1"
            assert metrics['redis_exporter_last_scrape_error{err=""}'] == "0"
            assert metrics['redis_db_keys{db="db0"}'] == str(len(words("")))
            assert metrics['redis_key_size{db="db0",key="hoge"}'] == "4"
            assert metrics['redis_key_size{db="db0",key="user"}'] == "2"
            for name in (
                *("redis_connected_clients", "redis_commands_processed_total"),
                *("redis_memory_used_bytes", "redis_keyspace_hits_total"),
                "redis_uptime_in_seconds",
                *("redis_config_maxclients", "redis_slowlog_length", "redis_start_time_seconds"),
            ):
                assert name in metrics, name
            assert float(metrics["redis_memory_used_bytes"]) > 0
            assert metrics["redis_loading_dump_file"] == "0"
            info = next(key for key in metrics if key.startswith("redis_instance_info{"))
            assert 'redis_version="7.2.4"' in info and 'role="master"' in info
            assert any(key.startswith("redis_connected_clients_details") for key in metrics)
            before = float(metrics["redis_keyspace_hits_total"])
            swap()
            assert float(exporter_metrics(web)["redis_keyspace_hits_total"]) >= before + 1
            results |= {
                "connect": "yes",
                "hit": "yes",
                "swap": "yes",
                "metrics": "",
            }
        finally:
            process.kill()
    version = subprocess.run([command[0], "-version"], capture_output=True, text=True, check=False)
    found = re.search(r"v?(\d+\.\d+\.\d+)", version.stdout + version.stderr + log.read_text())
    results["version"] = found[1] if found else "Debian's"


def test_haproxy_checks(server, results):
    """The bytes that HAProxy's `tcp-check` recipes for redis send, and what they look for."""
    with Client(server.address()) as conn:
        conn.send(b"PING\r\n")
        assert conn.line() == b"+PONG"
        conn.send(b"info replication\r\n")
        length = int(conn.line()[1:])
        assert b"\r\nrole:master\r\n" in conn.exactly(length + 2)
        conn.send(b"QUIT\r\n")
        assert conn.line() == b"+OK"
        assert conn.ended()
    with Client(server.address()) as conn:  # `option redis-check`
        conn.send(b"*1\r\n$4\r\nPING\r\n")
        assert conn.line() == b"+PONG"
    results |= {"version": "bytes of its checks", "connect": "yes"}
