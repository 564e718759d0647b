# SPDX-License-Identifier: MIT
"""Files that Bolt itself has written, served by the real program over memcached."""

import fcntl
import random
import subprocess
import threading

import pytest

import writers
from harness import SANITIZER, Client, Inbox, hexdigest, wait_for
from readers import batches

ENTRIES, READERS = (30_000, 8) if SANITIZER is None else (8_000, 4)


class Reference:
    """Bolt, which writes files for the tests."""

    def __init__(self, folder):
        self.folder = folder
        self.program = writers.bolt_program()
        self.count = 0

    def write(self, buckets, page_size=4096, shuffle=True):
        """A file's bytes: path of a bucket -> key -> value, each written with a detour."""
        self.count += 1
        file = self.folder / f"{self.count}.db"
        lines, gone = [], []
        for path, entries in buckets.items():
            where = "/".join("x" + name.encode().hex() for name in path.split("/"))
            for number, (key, value) in enumerate(entries.items()):
                lines.append(f"put {where} x{key.encode().hex()} x{value.hex()}\n")
                if number % 3 == 0:
                    other = f"gone {number}".encode().hex()
                    lines.append(f"put {where} x{other} x{value.hex()}\n")
                    gone.append(f"delete {where} x{other}\n")
        if shuffle:
            random.Random(self.count).shuffle(lines)
        for at in range(5000, len(lines), 5000):
            lines[at] += "commit\n"
        subprocess.run(
            [str(self.program), "write", str(file), str(page_size)],
            input="".join([*lines, "commit\n", *gone, "commit\n"]).encode(),
            check=True,
        )
        return file.read_bytes()


@pytest.fixture(scope="module")
def bolt(tmp_path_factory):
    return Reference(tmp_path_factory.mktemp("bolt"))


def databases(**options):
    """A database for each bucket: name -> option `bucket`."""
    return {
        name: {
            "storage": "bolt",
            "file": f"in/{name}.db",
            "basedir": name,
            **({"options": {"bucket": bucket}} if bucket else {}),
        }
        for name, bucket in options.items()
    }


def entries(marker, count=ENTRIES):
    """Values of all lengths, each of which begins with the marker."""
    rng = random.Random(marker)
    return {
        f"key{i}": f"{marker}:{i}:".encode() + rng.randbytes(rng.randrange(120))
        for i in range(count)
    }


def read_whole(address, expected, shift, failures):
    try:
        with address() as client:
            keys = list(expected)
            keys = keys[shift:] + keys[:shift]
            for batch in batches(keys):
                asked = [word for key in batch for word in (key, f"{key}-absent")]
                assert client.get_many(asked) == {key: expected[key] for key in batch}
    except Exception as failure:  # pylint: disable=broad-except
        failures.append(repr(failure))


@pytest.mark.parametrize("page_size", [4096, 16384])
def test_a_file_that_bolt_wrote_is_read_back_by_many_at_once(serve, bolt, page_size):
    expected = entries("one")
    expected["empty"] = b""
    expected["large"] = random.Random(5).randbytes(900_000)
    server = serve(databases=databases(words=None))
    assert server.load(bolt.write({"default": expected}, page_size)) == 1
    assert server.stats()["goromdb_entries"] == str(len(expected))
    failures = []
    clients = [
        threading.Thread(
            target=read_whole,
            args=(server.client, expected, number * len(expected) // READERS, failures),
        )
        for number in range(READERS)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert not failures, failures


def test_each_bucket_of_a_file_can_be_the_one_without_a_namespace(serve, bolt):
    buckets = {
        name: entries(name, 500) for name in ("default", "users", "users/eu", "users/eu/north")
    }
    data = bolt.write(buckets)
    names = {f"db{i}": name for i, name in enumerate(buckets)}
    listeners = [
        {"protocol": "memcached", "listen": "127.0.0.1:0", "databases": [name]} for name in names
    ]
    server = serve(databases=databases(**names), listeners=listeners)
    for database, bucket in names.items():
        server.load(data, database)
        failures = []
        read_whole(lambda name=database: server.client([name]), buckets[bucket], 0, failures)
        assert not failures, failures


def test_the_go_programs_name_and_flags_serve_a_file_without_the_bucket_default(serve, bolt):
    """-bucket is `default` there when it is not given: no error, and no keys without a namespace."""
    server = serve(databases={"words": {**databases(words="default")["words"], "storage": "boltdb"}})
    server.load(bolt.write({"users": entries("users", 100)}))
    with server.client() as client:
        assert client.get("key1") is None
        assert client.stats()["goromdb_entries"] == "100"
    server.load(bolt.write({"default": entries("two", 100)}))
    with server.client() as client:
        assert client.get("key1") == entries("two", 100)["key1"]


@pytest.mark.parametrize(
    "flags, value",
    [
        ("-storage boltdb -bucket x", "in x"),
        ("--storage=boltdb --bucket=x/y", "in x/y"),
        ("-storage boltdb", "in default"),
    ],
)
def test_the_go_programs_flag_names_the_bucket(serve, bolt, tmp_path, flags, value):
    folder = tmp_path / "server"
    (folder / "in").mkdir(parents=True)
    place = "-addr 127.0.0.1:0 -file in/data.db -basedir store".split()
    server = serve(start=False, folder=folder, args=[*place, *flags.split()])
    server.start(listening=False)
    line = server.wait_line(r"listening on (\S+):(\d+) \(memcached; default\)")
    buckets = {name: {"k": f"in {name}".encode()} for name in ("default", "x", "x/y")}
    Inbox(folder / "in" / "data.db").drop(bolt.write(buckets))
    server.wait_line("generation 1 adopted")
    with Client((line[1], int(line[2]))) as client:
        assert client.get("k") == value.encode()


@pytest.mark.parametrize("separator", [":", "/"])
def test_nested_buckets_are_namespaces_over_the_wire(serve, bolt, separator):
    listener = {
        "protocol": "memcached",
        "listen": "127.0.0.1:0",
        "databases": ["words"],
        "options": {"namespace_separator": separator},
    }
    server = serve(databases=databases(words=None), listeners=[listener])
    names = ["a", "a/b", "a/b/c", "default/d"]
    server.load(bolt.write({"default": {"k": b"plain"}, **{n: {"k": n.encode()} for n in names}}))
    with server.client() as client:
        asked = [f"{name}{separator}k" for name in ("a", "d")]
        assert client.get_many(asked) == {asked[0]: b"a", asked[1]: b"default/d"}
        if separator == ":":
            nested = [f"{name}:k" for name in [*names, "a/b/c/d", "b"]]
            assert client.get_many(nested) == {f"{name}:k": name.encode() for name in names}
        assert client.get("k") == b"plain"


class Reader(threading.Thread):
    """Asks without end; every reply has to be of one generation."""

    def __init__(self, server, keys):
        super().__init__(daemon=True)
        self.server, self.keys = server, keys
        self.stopping = threading.Event()
        self.replies, self.seen, self.failure = 0, [], None

    def run(self):
        try:
            with self.server.client() as client:
                while not self.stopping.is_set():
                    for keys in batches(self.keys):
                        values = client.get_many(keys)
                        assert list(values) == keys, "keys are missing"
                        markers = {value.split(b":", 1)[0] for value in values.values()}
                        assert len(markers) == 1, markers
                        marker = int(markers.pop())
                        if not self.seen or self.seen[-1] != marker:
                            assert not self.seen or marker > self.seen[-1]
                            self.seen.append(marker)
                        self.replies += 1
                        if self.stopping.is_set():
                            break
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure


def test_a_changed_file_is_swapped_in_under_load_and_no_reply_mixes_two(serve, bolt):
    files = [bolt.write({"default": entries(str(n), 5000)}) for n in range(1, 5)]
    server = serve(databases=databases(words=None))
    server.load(files[0])
    readers = [Reader(server, [f"key{i}" for i in range(0, 5000, 7)]) for _ in range(READERS)]
    for reader in readers:
        reader.start()

    def all_have_read(more):
        before = [reader.replies for reader in readers]
        wait_for(
            lambda: any(reader.failure for reader in readers)
            or all(r.replies >= b + more for r, b in zip(readers, before)),
            "replies to every reader",
        )

    for number, data in enumerate(files[1:], 2):
        all_have_read(5)
        assert server.load(data) == number
    all_have_read(5)
    for reader in readers:
        reader.stopping.set()
    for reader in readers:
        reader.join()
    failures = [repr(reader.failure) for reader in readers if reader.failure]
    assert not failures, failures
    assert all(reader.seen[-1] == len(files) for reader in readers)


@pytest.mark.parametrize("name", ["cut", "garbage", "a changed page", "both metas", "JSON", "wrong bucket"])
def test_a_bad_file_is_rejected_in_words_and_the_old_one_stays(serve, bolt, name):
    good = entries("one", 300)
    data = bolt.write({"users" if name == "wrong bucket" else "default": entries("two", 300)})
    pages = [data[at : at + 4096] for at in range(0, len(data), 4096)]

    def changed(*places):
        copy = bytearray(data)
        for at in places:
            copy[at] ^= 0x55
        return bytes(copy)

    bad, words = {
        "cut": (data[: len(data) // 4], "cut short"),
        "garbage": (random.Random(1).randbytes(100_000), "no Bolt file"),
        "a changed page": (
            b"".join(page[:8] + b"\x03" + page[9:] if page[8:10] == b"\x02\x00" else page for page in pages),
            "neither a branch nor a leaf",
        ),
        "both metas": (changed(16 + 20, 4096 + 16 + 20), "both of its meta pages are damaged"),
        "JSON": (b'{"a": "b"}', "a JSON file"),
        "wrong bucket": (data, 'no bucket "data"'),
    }[name]
    bucket = "data" if name == "wrong bucket" else "default"
    server = serve(databases=databases(words=bucket))
    server.load(bolt.write({bucket: good}))
    server.drop(bad)
    message = server.wait("words", r"rejected .*words\.db: ").message
    assert words in message
    failures = []
    read_whole(server.client, good, 0, failures)
    assert not failures, failures
    assert server.stats()["goromdb_rejections"] == "1"
    server.load(bolt.write({bucket: entries("three", 300)}))
    with server.client() as client:
        assert client.get("key7") == entries("three", 300)["key7"]


def test_a_file_that_a_program_holds_open_for_writing_is_served_with_a_warning(serve, bolt):
    server = serve(databases=databases(words=None))
    data = bolt.write({"default": entries("one", 50)})
    inbox = server.inbox()
    inbox.put_data(data)
    with open(inbox.file, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        inbox.put_sum(f"{hexdigest(data)}  {inbox.file.name}\n".encode())
        server.adopted(1)
        assert server.find("words", ".*a program has it open for writing")
        with server.client() as client:
            assert client.get("key1") == entries("one", 50)["key1"]
