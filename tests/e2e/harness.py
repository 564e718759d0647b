# SPDX-License-Identifier: MIT
"""The real program as a test sees it: started, fed with data files, asked over sockets, killed.

Nothing here sleeps to let something happen. A test waits for a log event, a file, a statistic or a
reply, each with a deadline that GOROMDB_TEST_SLOW (a factor) stretches for slow builds.
"""

import contextlib
import ctypes
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

REPO = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("GOROMDB", REPO / "build" / "goromdb")).resolve()
PLUGINS = PROGRAM.parent / "plugins"
INCLUDE = REPO / "include"


def _sanitizer():
    """The sanitizer that the program is built with, or None."""
    if not PROGRAM.exists():
        return None
    image = PROGRAM.read_bytes()
    for name in ("asan", "tsan", "msan"):
        if b"__%s_init" % name.encode() in image:
            return name
    return None


SANITIZER = _sanitizer()
# What no slow machine excuses begins with this: script/test does not try such a test again.
WRONG = "wrong data: "
SLOW = float(os.environ.get("GOROMDB_TEST_SLOW", 5 if SANITIZER else 1))
DEADLINE = 60 * SLOW  # seconds; only a failing test ever waits that long
ENDING = 20 * SLOW  # of a server that was told to: less than drain_timeout

SANITIZER_REPORT = re.compile(
    r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|runtime error:|DEADLYSIGNAL"
)
# What the guard is for: a library that died on a damaged file, in the guard's process and in the library.
READER_DIED = re.compile(
    r"the reader in another process: .*(DEADLYSIGNAL|==ERROR: \w+Sanitizer: (SEGV|BUS|FPE)"
    r"|SUMMARY: \w+Sanitizer: (SEGV|BUS|FPE) [^ ]*/(libdb-5\.3|liblmdb)\.so)"
)


def wait_for(condition, what, seconds=None):
    """Polls `condition` until it is true and returns its value."""
    end = time.monotonic() + (DEADLINE if seconds is None else seconds)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.01)


def accepts(path):
    """Whether a server accepts on that unix socket; its file is there a moment before it listens."""
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(str(path)) == 0


# ---- data sets ---------------------------------------------------------------------------------


def dataset(marker, entries=64):
    """A data set whose every value tells to which set it belongs."""
    words = {"marker": marker}
    for i in range(entries):
        words[f"key{i:04}"] = f"{marker}:{i}"
    return words


def encode(words):
    return json.dumps(words, ensure_ascii=False).encode()


def hexdigest(data, kind="md5"):
    return hashlib.new(kind, data).hexdigest()


def publish(path, data):
    """The file appears whole or not at all, as a careful operator does it."""
    aside = path.with_name(f".{path.name}.tmp")
    aside.write_bytes(data)
    aside.rename(path)


class Inbox:
    """The place where a batch job drops FILE and FILE.md5."""

    def __init__(self, file, kind="md5"):
        self.file = Path(file)
        self.kind = kind
        self.sum_file = self.file.with_name(f"{self.file.name}.{kind}")

    def sum_line(self, data):
        return f"{hexdigest(data, self.kind)}  {self.file.name}\n".encode()

    def put_data(self, data):
        publish(self.file, data)

    def put_sum_of(self, data):
        publish(self.sum_file, self.sum_line(data))

    def put_sum(self, text):
        publish(self.sum_file, text)

    def drop(self, data):
        if isinstance(data, dict):
            data = encode(data)
        self.put_data(data)
        self.put_sum_of(data)
        return data

    def empty(self):
        return not os.path.lexists(self.file) and not os.path.lexists(self.sum_file)

    def clear(self):
        for path in (self.file, self.sum_file):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)


# ---- the wire ----------------------------------------------------------------------------------


class ErrorReply(Exception):
    """The server answered with an error line."""


class Client:
    """A memcached client that hides nothing: bytes out, lines and blocks in."""

    def __init__(self, address, receive_buffer=None):
        if isinstance(address, (str, Path)):
            self.sock = socket.socket(socket.AF_UNIX)
        else:
            self.sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(str(address) if isinstance(address, Path) else address)
        self.stream = self.sock.makefile("rb", 256 * 1024)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.close()
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError(f"the connection ended inside a line: {line[:100]!r}")
        return line[:-2]

    def exactly(self, n):
        data = self.stream.read(n)
        if len(data) != n:
            raise ConnectionError(f"the connection ended after {len(data)} of {n} bytes")
        return data

    def ended(self):
        """True when the server has closed the connection and nothing is left to read."""
        try:
            return self.stream.read(1) == b""
        except ConnectionError:
            return True

    def ask(self, request):
        """One request with a reply of one line."""
        self.send(request + b"\r\n")
        return self.line()

    def read_values(self):
        """The reply to one get: (key, value) in the order of the reply."""
        values = []
        while True:
            line = self.line()
            if line == b"END":
                return values
            word, _, rest = line.partition(b" ")
            if word != b"VALUE":
                raise ErrorReply(line.decode(errors="replace"))
            key, _flags, length, *_cas = rest.split(b" ")
            block = self.exactly(int(length) + 2)
            assert block.endswith(b"\r\n"), "a value block does not end with CRLF"
            values.append((key.decode(), block[:-2]))

    def get_many(self, keys):
        self.send(b"get " + b" ".join(k.encode() for k in keys) + b"\r\n")
        return dict(self.read_values())

    def get(self, key):
        return self.get_many([key]).get(key)

    def stats(self, section=""):
        self.send(b"stats%s\r\n" % (b" " + section.encode() if section else b""))
        stats = {}
        while True:
            line = self.line().decode()
            if line == "END":
                return stats
            word, name, value = line.split(" ", 2)
            assert word == "STAT", line
            stats[name] = value


def whole_set(client, entries=64):
    """Reads a dataset() back and returns its marker. A mixed or partial set fails; where the set is
    too large for one request, a swap between two of them begins the reading anew."""
    expected = {}
    keys = [f"key{i:04}" for i in range(entries)]
    at = 0
    while at < max(1, entries):
        batch = ["marker", *keys[at : at + 1000]]
        values = {key: value.decode() for key, value in client.get_many(batch).items()}
        assert len(values) == len(batch), f"{WRONG}{len(batch) - len(values)} keys are missing"
        if at > 0 and values["marker"] != expected["marker"]:
            at = 0
            continue
        if at == 0:
            expected = dataset(values["marker"], entries)
        assert values == {key: expected[key] for key in batch}, f"{WRONG}of two data sets"
        at += 1000
    return expected["marker"]


# ---- the program -------------------------------------------------------------------------------


def run(*args, wrap=(), **kwargs):
    """Runs the program to its end."""
    result = subprocess.run(
        [*wrap, str(PROGRAM), *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        **kwargs,
    )
    assert not SANITIZER_REPORT.search(result.stderr), result.stderr
    return result


def without_superpowers():
    """Words before a command that take root's right to ignore file permissions away."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]


def default_config(words=None, databases=None, listeners=None, server=None, groups=None):
    """The config of most tests: one database `words`, one memcached listener."""
    if databases is None:
        databases = {
            "words": {
                "storage": "json",
                "file": "in/data.json",
                "basedir": "store",
                **(words or {}),
            }
        }
    if listeners is None:
        listeners = [
            {"protocol": "memcached", "listen": "127.0.0.1:0", "databases": list(databases)}
        ]
    server = {
        "threads": 2,
        "drain_timeout": f"{DEADLINE:.0f}s",  # not in the middle of a test that is held up
        "log": {"format": "json", "level": "debug"},
        **(server or {}),
    }
    config = {"server": server, "databases": databases, "listeners": listeners}
    return {**config, "groups": groups} if groups else config


@dataclass(frozen=True)
class Event:
    object: str
    message: str
    level: str = ""

    def __str__(self):
        return f"{self.level:5} {self.object}: {self.message}"


class Server:
    """One goromdb process, and what comes after it in the same folder when it is started again."""

    def __init__(self, folder, *, args=None, env=None, wrap=(), popen=None, **config):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config_file = self.folder / "goromdb.yaml"
        self.steps = self.folder / "steps"
        self.steps.mkdir(exist_ok=True)
        self.wrap = list(wrap)
        self.popen = popen or {}
        self.env = {"GOROMDB_TEST_STEPS": str(self.steps), **(env or {})}
        self.config = None
        self.listener_count = 1
        self.args = args
        if args is None:
            self.config = default_config(**config)
            self.listener_count = len(self.config["listeners"])
            # JSON is YAML; a test that is about YAML writes its own.
            self.config_file.write_text(json.dumps(self.config, indent=2))
            self.args = ["--config", str(self.config_file)]
            for database in self.config["databases"].values():
                (self.folder / database["file"]).parent.mkdir(parents=True, exist_ok=True)
        self.process = None
        self.expected_exit = (0,)
        self.starts = 0

    # -- files

    def inbox(self, database="words"):
        settings = self.config["databases"][database]
        kind = settings.get("verify", "md5")
        return Inbox(self.folder / settings["file"], "md5" if kind == "none" else kind)

    def store(self, database="words"):
        settings = self.config["databases"][database]
        return self.folder / settings.get("basedir", Path(settings["file"]).parent)

    def status(self, database="words"):
        """What the store's status file says; nothing while there is none. It is written after the
        log's line."""
        path = self.store(database) / "status"
        return yaml.safe_load(path.read_text()) or {} if path.exists() else {}

    def store_files(self, database="words"):
        """The files in the two slots, as data00/name."""
        store = self.store(database)
        return sorted(
            str(path.relative_to(store))
            for slot in ("data00", "data01")
            for path in (store / slot).glob("*")
        )

    def drop(self, data, database="words"):
        return self.inbox(database).drop(data)

    # -- life

    def start(self, listening=True, ready=False):
        assert self.process is None, "already running"
        self.starts += 1
        self.events = []
        self.noise = []
        self.lines = []
        self._news = threading.Condition()
        self._ended = False
        self.expected_exit = (0,)
        self.process = subprocess.Popen(
            [*self.wrap, str(PROGRAM), *map(str, self.args)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env={**os.environ, **self.env},
            **self.popen,
        )
        self._reader = threading.Thread(
            target=self._read_stderr, args=(self.process.stderr, self.starts), daemon=True
        )
        self._reader.start()
        if listening:
            wait_for_listeners = self.listener_count
            self._until(
                lambda: len(self.listening()) >= wait_for_listeners, "every listener to listen"
            )
        if ready:
            self.wait("server", "ready:")
        return self

    @property
    def pid(self):
        return self.process.pid

    def _read_stderr(self, pipe, number):
        with open(self.folder / f"stderr.{number}", "wb") as copy, pipe:
            for raw in pipe:
                copy.write(raw)
                copy.flush()
                line = raw.decode(errors="replace").rstrip("\n")
                with self._news:
                    self.lines.append(line)
                    try:
                        fields = json.loads(line)
                        event = Event(fields["object"], fields["message"], fields["level"])
                        self.events.append(event)
                    except (ValueError, KeyError, TypeError):
                        self.noise.append(line)
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def log(self):
        return "\n".join(self.lines)

    def _until(self, condition, what):
        with self._news:
            end = time.monotonic() + DEADLINE
            while True:
                value = condition()
                if value:
                    return value
                left = end - time.monotonic()
                if left <= 0 or self._ended:
                    why = "the program ended" if self._ended else "the deadline passed"
                    raise AssertionError(f"{why} while waiting for {what}; its log:\n{self.log()}")
                self._news.wait(left)

    def mark(self):
        """The present end of the log: pass it as `after` to wait for what comes later."""
        return len(self.events)

    def find(self, obj, pattern, after=0):
        return [e for e in self.events[after:] if e.object == obj and re.match(pattern, e.message)]

    def wait(self, obj, pattern, after=0):
        """The first event of `obj` whose message matches from its start."""
        found = self._until(
            lambda: self.find(obj, pattern, after), f"an event {obj!r}: {pattern!r}"
        )
        return found[0]

    def wait_line(self, pattern):
        """The match in a line of a log that is not JSON."""
        return self._until(
            lambda: next(filter(None, (re.search(pattern, line) for line in self.lines)), None),
            f"a line {pattern!r}",
        )

    def adopted(self, generation=None, database="words", after=0, checksum=""):
        """Waits until a generation has been adopted and returns its number."""
        number = r"\d+" if generation is None else str(generation)
        event = self.wait(database, rf"generation {number} adopted: .*{checksum}", after)
        return int(re.match(r"generation (\d+)", event.message).group(1))

    def load(self, words, database="words"):
        """Drops a data set and waits until it has been adopted; returns its generation."""
        after = self.mark()
        data = self.drop(words, database)
        # By its sum: the line of the one before may come after everything else that tells of it.
        checksum = hexdigest(data, self.inbox(database).kind)
        return self.adopted(database=database, after=after, checksum=checksum)

    def rejected(self, pattern, database="words", after=0):
        """Waits for a rejection whose reason matches. The log, the status and the statistics tell
        the same one; returns it."""
        event = self.wait(database, f"rejected {pattern}", after)
        reason = event.message.removeprefix("rejected ")
        told = lambda: self.status(database).get("rejected", {}).get("reason")
        wait_for(lambda: told() == reason, f"the status to tell: {told()}\n{self.log()}")
        with self.client([database] if self.listener_count > 1 else None) as client:
            stats = client.stats()
        assert stats["last_rejection"] == reason
        assert int(stats["goromdb_rejections"]) > 0
        return reason

    def hashings(self, database="words", after=0):
        """How often hashing a file was begun."""
        return len(self.find(database, r"hashing .*\(\d+ bytes\)", after))

    def listening(self):
        """The addresses, in the order of the log."""
        places = []
        for event in self.find("listener", "listening on "):
            place = re.match(r"listening on (\S+)", event.message).group(1)
            if place.startswith("unix:"):
                places.append(place[len("unix:") :])
            else:
                host, _, port = place.rpartition(":")
                places.append((host.strip("[]"), int(port)))
        return places

    def address(self, databases=None):
        """Of the first listener, or of the one that serves exactly these databases."""
        if databases is None:
            return self.listening()[0]
        for event, place in zip(self.find("listener", "listening on "), self.listening()):
            listed = re.search(r"\(\w+; (.*)\)", event.message).group(1)
            if re.split(r"[,\s]+", listed) == databases:
                return place
        raise AssertionError(f"no listener for {databases}: {self.log()}")

    def client(self, databases=None, **kwargs):
        return Client(self.address(databases), **kwargs)

    def stats(self):
        with self.client() as client:
            return client.stats()

    def serving(self, entries=64):
        """The marker of the data set that a fresh connection sees whole."""
        with self.client() as client:
            return whole_set(client, entries)

    def wait_serving(self, marker, entries=64):
        wait_for(lambda: self.serving(entries) == marker, f"{marker} to be served\n{self.log()}")

    # -- steps of a reload

    def kill_at(self, step):
        (self.steps / f"{step}.kill").touch()

    def pause_at(self, step):
        (self.steps / f"{step}.pause").touch()

    def wait_paused(self, step):
        def paused():
            if self.process.poll() is not None:
                raise AssertionError(f"the program ended before step {step}:\n{self.log()}")
            return (self.steps / f"{step}.paused").exists()

        try:
            wait_for(paused, f"the pause at step {step}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None

    def resume(self, step):
        (self.steps / f"{step}.pause").unlink()

    def forget_steps(self):
        for path in self.steps.iterdir():
            path.unlink()

    # -- the end

    def exit_code(self):
        """Waits for the process to end by itself; checks its stderr."""
        try:
            code = self.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self._reader.join(DEADLINE)
            self.process = None
            raise AssertionError(f"the program did not end; its log:\n{self.log()}") from None
        self._reader.join(DEADLINE)
        self.process = None
        reports = [
            line
            for line in self.lines
            if SANITIZER_REPORT.search(line) and not READER_DIED.search(line)
        ]
        assert not reports, f"a sanitizer complains:\n{self.log()}"
        return code

    def kill9(self):
        self.process.kill()
        assert self.exit_code() == -signal.SIGKILL

    def died_by_kill9(self):
        """Waits for the end that a `.kill` step brings."""
        code = self.exit_code()
        assert code == -signal.SIGKILL, f"exit {code} instead of a SIGKILL:\n{self.log()}"

    def stop(self, sig=signal.SIGTERM):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(sig)
        code = self.exit_code()
        assert code in self.expected_exit, f"exit {code}; its log:\n{self.log()}"
        if self.config and self.config["server"].get("log", {}).get("format") == "json":
            assert not self.noise, f"stderr has lines that are no log lines: {self.noise}"

    def restart(self, **kwargs):
        self.stop()
        return self.start(**kwargs)


# ---- the machine -------------------------------------------------------------------------------


@contextlib.contextmanager
def tmpfs(path, size):
    """A small file system of its own at `path`; OSError where this machine does not allow it."""
    path.mkdir(parents=True, exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"size={size},mode=0755".encode()
    if libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", 0, options) != 0:
        raise OSError(ctypes.get_errno(), f"cannot mount a tmpfs on {path}")
    try:
        yield path
    finally:
        libc.umount2(os.fsencode(path), 2)  # MNT_DETACH: also when a failed test left it busy


def other_file_system(path):
    """A folder on another file system than `path` (with room), or None."""
    for candidate in ("/dev/shm", "/run", "/var/tmp", "/tmp", os.path.expanduser("~")):
        with contextlib.suppress(OSError):
            if os.stat(candidate).st_dev != os.stat(path).st_dev and os.access(candidate, os.W_OK):
                return Path(candidate)
    return None


def has_ipv6():
    """Whether this machine has the address ::1, which a container often lacks."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
            return True
    except OSError:
        return False


def compile_c(source, output, *flags):
    """Compiles as a third party would: one compiler, the public header, nothing else."""
    compiler = os.environ.get("CC", "cc").split()
    command = [
        *compiler,
        *("-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror"),
        *("-I", str(INCLUDE)),
        *flags,
        *("-o", str(output), str(source)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(output)
