# SPDX-License-Identifier: MIT
"""The life of a data file: dropped, verified, moved, opened, adopted; and what cannot be."""

import os
import resource

import pytest

from harness import (
    Client,
    dataset,
    encode,
    hexdigest,
    tmpfs,
    wait_for,
    whole_set,
    without_superpowers,
)

# ---- the good way ------------------------------------------------------------------------------


def test_a_file_with_its_sum_is_served_and_both_leave_the_inbox(serve):
    server = serve()
    server.drop(dataset("one"))
    assert server.adopted() == 1
    assert server.serving() == "one"
    assert server.inbox().empty()


def test_the_next_file_takes_the_other_slot_and_the_old_one_goes_away(serve):
    server = serve()
    server.load(dataset("one"))
    first = [name for name in server.store_files() if name.endswith("data.db")]
    server.load(dataset("two"))
    server.wait("words", "generation 1 closed")
    assert server.serving() == "two"
    wait_for(lambda: not (server.store() / first[0]).exists(), "the old file to be removed")
    second = [name for name in server.store_files() if name.endswith("data.db")]
    assert len(second) == 1 and second != first


def test_slots_are_used_in_turn_over_many_reloads(serve):
    server = serve()
    for number in range(1, 8):
        assert server.load(dataset(f"set{number}")) == number
        assert server.serving() == f"set{number}"
    server.wait("words", "generation 6 closed")
    assert server.stats()["goromdb_generation"] == "7"


def test_the_statistics_tell_which_data_set_is_served(serve):
    server = serve()
    data = encode(dataset("one"))
    server.drop(data)
    server.adopted(1)
    stats = server.stats()
    assert stats["goromdb_generation"] == "1"
    assert stats["goromdb_checksum"].endswith(hexdigest(data))
    assert stats["goromdb_entries"] == str(len(dataset("one")))
    assert stats["goromdb_loads"] == "1"
    assert stats["goromdb_rejections"] == "0"
    assert stats["goromdb_ready"] == "1"


def test_the_same_content_dropped_again_is_a_new_generation(serve):
    server = serve()
    server.load(dataset("one"))
    checksum = server.stats()["goromdb_checksum"]
    assert server.load(dataset("one")) == 2
    assert server.stats()["goromdb_checksum"] == checksum


def test_the_sum_may_come_before_the_data(serve):
    server = serve()
    data = encode(dataset("one"))
    server.inbox().put_sum_of(data)
    server.wait("words", r".*data\.json\.md5 is here, .*data\.json is not: waiting for the data")
    server.inbox().put_data(data)
    server.adopted(1)
    assert server.serving() == "one"


def test_the_data_may_come_before_the_sum(serve):
    server = serve()
    data = encode(dataset("one"))
    server.inbox().put_data(data)
    server.wait("words", r".*data\.json is here, .*data\.json\.md5 is not: waiting for the sum")
    server.inbox().put_sum_of(data)
    server.adopted(1)
    assert server.serving() == "one"


@pytest.mark.parametrize("first", ["data", "sum"])
def test_waiting_for_the_other_of_the_pair_is_counted(serve, first):
    server = serve()
    server.load(dataset("one"))
    before = int(server.stats()["goromdb_waits"])
    two = encode(dataset("two"))
    put = {"data": server.inbox().put_data, "sum": server.inbox().put_sum_of}
    put.pop(first)(two)
    wait_for(lambda: int(server.stats()["goromdb_waits"]) > before, "the wait to be counted")
    put.popitem()[1](two)
    server.adopted(2)
    stats = server.stats()
    assert stats["goromdb_failures"] == stats["goromdb_rejections"] == "0"


def test_a_pair_that_lies_there_at_the_start_is_adopted(serve):
    server = serve(start=False)
    server.drop(dataset("one"))
    server.start(ready=True)
    assert server.serving() == "one"


def test_without_a_basedir_the_slots_are_in_the_folder_of_the_file(serve):
    server = serve(databases={"words": {"storage": "json", "file": "in/data.json"}})
    server.load(dataset("one"))
    assert any(name.endswith("/data.db") for name in server.store_files())
    assert server.store() == server.folder / "in"
    server.load(dataset("two"))
    assert server.serving() == "two"


MD5 = hexdigest(encode(dataset("one")))
SHA256 = hexdigest(encode(dataset("one")), "sha256")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{MD5}  data.json\n", id="md5sum"),
        pytest.param(f"{MD5} *data.json\n", id="md5sum-binary"),
        pytest.param(f"MD5 (data.json) = {MD5}\n", id="bsd"),
        pytest.param(f"{MD5}\n", id="bare"),
        pytest.param(f"{MD5}", id="bare-without-a-line-end"),
        pytest.param(f"{MD5.upper()}  data.json\n", id="upper-case"),
        pytest.param(f"MD5 (data.json) = {MD5.upper()}\n", id="bsd-upper-case"),
        pytest.param(f"{MD5}  data.json\r\n", id="crlf"),
        pytest.param(f"{MD5}\r\n", id="bare-crlf"),
        pytest.param(f"{MD5}  /some/where/else/name with spaces.json\n", id="another-name"),
    ],
)
def test_an_md5_sum_is_read_however_it_is_written(serve, text):
    server = serve()
    server.inbox().put_data(encode(dataset("one")))
    server.inbox().put_sum(text.encode())
    server.adopted(1)
    assert server.serving() == "one"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{SHA256}  data.json\n", id="sha256sum"),
        pytest.param(f"{SHA256} *data.json\n", id="sha256sum-binary"),
        pytest.param(f"SHA256 (data.json) = {SHA256}\n", id="bsd"),
        pytest.param(f"{SHA256.upper()}\r\n", id="bare-upper-case-crlf"),
    ],
)
def test_a_sha256_sum_is_read_however_it_is_written(serve, text):
    server = serve(words={"verify": "sha256"})
    server.inbox().put_data(encode(dataset("one")))
    server.inbox().put_sum(text.encode())
    server.adopted(1)
    assert server.serving() == "one"


def test_without_sums_a_file_is_taken_when_it_has_settled(serve):
    server = serve(words={"verify": "none", "settle": "300ms"})
    server.inbox().put_data(encode(dataset("one")))
    server.adopted(1)
    assert server.serving() == "one"
    after = server.mark()
    server.inbox().put_data(encode(dataset("two")))
    server.adopted(2, after=after)
    assert server.serving() == "two"


def test_without_sums_a_file_that_grows_is_not_taken_half(serve):
    server = serve(words={"verify": "none", "settle": "6s", "poll_interval": "50ms"})
    # Every prefix of lines is a right NDJSON file: only waiting keeps the server from it.
    lines = [encode({"key": k, "value": v}) + b"\n" for k, v in dataset("one", 200).items()]
    clock = server.mark()
    with open(server.inbox().file, "wb", buffering=0) as file:
        for line in lines:
            file.write(line)
            # The statistics are a round trip through the server: it is given turns to err.
            assert server.stats()["goromdb_ready"] == "0"
    server.adopted(1, after=clock)
    assert server.serving(200) == "one"


def test_many_drops_in_a_row_end_with_the_last_one(serve):
    server = serve()
    server.load(dataset("first"))
    for number in range(40):
        server.drop(dataset(f"set{number}"))
    server.wait_serving("set39")
    server.drop(dataset("last"))
    server.wait_serving("last")
    wait_for(server.inbox().empty, "the inbox to be empty")


def test_two_databases_live_their_own_lives(serve):
    server = serve(
        databases={
            "words": {"storage": "json", "file": "in/words.json", "basedir": "words"},
            "names": {"storage": "json", "file": "in/names.json", "basedir": "names"},
        },
        listeners=[
            {"protocol": "memcached", "listen": "127.0.0.1:0", "databases": ["words"]},
            {"protocol": "memcached", "listen": "127.0.0.1:0", "databases": ["names"]},
        ],
    )
    server.drop(dataset("the words"), "words")
    server.adopted(1, "words")
    with server.client(["words"]) as words, server.client(["names"]) as names:
        assert whole_set(words) == "the words"
        assert names.ask(b"get marker") == b"SERVER_ERROR not ready"
        server.drop(dataset("the names"), "names")
        server.adopted(1, "names")
        server.wait("server", "ready:")
        assert whole_set(names) == "the names"
        server.inbox("names").drop(b"garbage")
        server.wait("names", "rejected ")
        assert whole_set(words) == "the words"
        assert whole_set(names) == "the names"
        assert server.load(dataset("more words"), "words") == 2
        assert whole_set(words) == "more words"
        assert whole_set(names) == "the names"


# ---- before the first data set -----------------------------------------------------------------


def test_before_the_first_data_set_reads_are_told_so(serve):
    server = serve()
    server.wait("words", r"waiting for a first data set: .*data\.json")
    with server.client() as client:
        assert client.ask(b"get marker") == b"SERVER_ERROR not ready"
        assert client.ask(b"gets marker key0001") == b"SERVER_ERROR not ready"
        assert client.stats()["goromdb_ready"] == "0"
        assert client.ask(b"version").startswith(b"VERSION 1.6.45-goromdb-")
        assert not server.find("server", "ready:")
        server.load(dataset("one"))
        server.wait("server", "ready: every database has a data set")
        assert whole_set(client) == "one"
        assert client.stats()["goromdb_ready"] == "1"


# ---- sums that are not right -------------------------------------------------------------------


def test_a_wrong_sum_keeps_the_old_data_set_until_the_right_one_comes(serve):
    server = serve()
    server.load(dataset("one"))
    two = encode(dataset("two"))
    server.inbox().put_data(two)
    server.inbox().put_sum(b"0" * 32 + b"  data.json\n")
    reason = server.wait("words", r"rejected .*data\.json: ").message
    assert "0" * 32 in reason and hexdigest(two) in reason
    assert server.serving() == "one"
    assert server.stats()["goromdb_rejections"] == "1"
    assert not server.inbox().empty()
    server.inbox().put_sum_of(two)
    server.adopted(2)
    assert server.serving() == "two"


def test_a_reload_keeps_serving_the_old_file_when_the_new_one_is_cut_short(serve):
    server = serve()
    server.load(dataset("one"))
    two = encode(dataset("two"))
    server.inbox().put_data(two[: len(two) // 2])
    server.inbox().put_sum_of(two)
    server.wait("words", r"rejected .*data\.json: ")
    assert server.serving() == "one"
    server.inbox().put_data(two)
    server.adopted(2)
    assert server.serving() == "two"


def test_a_file_that_still_grows_is_adopted_when_the_last_byte_is_there(serve):
    server = serve()
    server.load(dataset("one"))
    two = encode(dataset("two", 20000))
    server.inbox().put_sum_of(two)
    with open(server.inbox().file, "wb", buffering=0) as file:
        for start in range(0, len(two), len(two) // 4):
            assert not server.find("words", "generation 2 adopted")
            after = server.mark()
            file.write(two[start : start + len(two) // 4])
            # Every state in between is looked at, and none is taken.
            server.wait("words", "hashing |rejected |generation 2 ", after)
            assert server.serving() in ("one", "two")
    server.adopted(2)
    assert server.serving(20000) == "two"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"\n", id="an-empty-line"),
        pytest.param(b"what is this?\n", id="prose"),
        pytest.param(MD5[:-1].encode() + b"\n", id="one-digit-short"),
        pytest.param(MD5.encode() + b"0  data.json\n", id="one-digit-long"),
        pytest.param(SHA256.encode() + b"  data.json\n", id="another-algorithm"),
        pytest.param(b"\0" * 100, id="zeros"),
        pytest.param(b"x" * (4 << 20), id="four-megabytes"),
    ],
)
def test_a_sum_file_that_holds_no_sum_is_refused_and_can_be_corrected(serve, text):
    server = serve()
    one = encode(dataset("one"))
    server.inbox().put_data(one)
    server.inbox().put_sum(text)
    server.wait("words", r"rejected ")
    assert server.stats()["goromdb_ready"] == "0"
    server.inbox().put_sum_of(one)
    server.adopted(1)
    assert server.serving() == "one"


def test_an_empty_sum_is_one_that_is_still_being_written(serve):
    server = serve()
    server.load(dataset("one"))
    two = encode(dataset("two"))
    # As `md5sum data.json > data.json.md5` does it: the shell makes the file, md5sum fills it.
    with open(server.inbox().sum_file, "wb", buffering=0) as sum_file:
        server.inbox().put_data(two)
        assert server.serving() == "one"
        sum_file.write(server.inbox().sum_line(two))
    server.adopted(2)
    assert server.serving() == "two"


def test_a_rejected_pair_is_not_hashed_again_until_it_changes(serve):
    server = serve(
        databases={
            name: {
                "storage": "json",
                "file": f"in/{name}.json",
                "basedir": name,
                "poll_interval": "20ms",
            }
            for name in ("words", "clock")
        }
    )
    inbox = server.inbox("words")
    inbox.put_data(encode(dataset("one")))
    inbox.put_sum(b"0" * 32)
    server.wait("words", "rejected ")
    # Another database in the same folder tells the time: its reloads take many polls and wake
    # the watcher of the folder.
    for number in range(5):
        server.load(dataset(f"tick{number}"), "clock")
    assert server.hashings("words") == 1
    assert len(server.find("words", "rejected ")) == 1
    assert server.stats()["goromdb_rejections"] == "1"
    after = server.mark()
    inbox.put_data(encode(dataset("two")))
    server.wait("words", "rejected ", after)
    assert server.hashings("words") == 2
    inbox.put_sum_of(encode(dataset("two")))
    server.adopted(database="words")
    assert server.hashings("words") == 3


def test_a_sum_of_a_later_drop_is_not_consumed_with_an_earlier_one(serve):
    server = serve()
    server.load(dataset("one"))
    server.pause_at("hashed")
    server.drop(dataset("two"))
    server.wait_paused("hashed")
    three = encode(dataset("three"))
    server.inbox().put_sum_of(three)
    server.resume("hashed")
    # Whether the second set still comes is the server's choice; the third must.
    server.wait("words", r"generation 2 adopted|rejected |.*waiting for the data")
    assert server.inbox().sum_file.exists()
    server.inbox().put_data(three)
    server.wait_serving("three")


# ---- files that change under the server's eyes -------------------------------------------------


@pytest.mark.parametrize("step", ["hashing", "hashed", "noted"])
def test_a_file_that_is_replaced_while_it_is_looked_at_is_not_served_under_the_old_sum(serve, step):
    server = serve()
    server.load(dataset("one"))
    server.pause_at(step)
    server.drop(dataset("two"))
    server.wait_paused(step)
    other = encode(dataset("sly"))
    server.inbox().put_data(other)
    after = server.mark()
    server.resume(step)
    server.wait("words", r"rejected |generation \d+ adopted|.*waiting for", after)
    assert server.serving() in ("one", "two")
    # Its own sum makes it as good as any other.
    server.inbox().put_sum_of(other)
    server.wait_serving("sly")


@pytest.mark.parametrize("keep_mtime", [False, True], ids=["", "mtime-restored"])
@pytest.mark.parametrize("step", ["hashing", "hashed", "noted", "moved", "sum_removed"])
def test_a_file_that_is_written_to_after_it_was_hashed_is_rejected(serve, step, keep_mtime):
    server = serve()
    server.load(dataset("one"))
    data = encode(dataset("two"))
    changed = encode(dataset("bad"))
    assert len(data) == len(changed)
    server.pause_at(step)
    server.inbox().put_data(data)
    # The writer has kept its descriptor, so it reaches the file wherever that has gone.
    with open(server.inbox().file, "r+b", buffering=0) as writer:
        before = os.fstat(writer.fileno())
        server.inbox().put_sum_of(data)
        server.wait_paused(step)
        writer.write(changed)
        if keep_mtime:
            os.utime(writer.fileno(), ns=(before.st_atime_ns, before.st_mtime_ns))
        after = server.mark()
        server.resume(step)
        server.wait("words", "rejected ", after)
    assert server.serving() == "one"
    assert not server.find("words", "generation 2 adopted")
    server.inbox().clear()
    server.load(dataset("three"))
    assert server.serving() == "three"


@pytest.mark.parametrize("step", ["hashing", "hashed", "noted"])
def test_a_file_that_vanishes_is_no_reason_to_stop(serve, step):
    server = serve()
    server.load(dataset("one"))
    server.pause_at(step)
    server.drop(dataset("two"))
    server.wait_paused(step)
    server.inbox().file.unlink()
    server.resume(step)
    server.wait_serving("one")
    server.load(dataset("three"))
    assert server.serving() == "three"


def test_a_sum_that_vanishes_while_the_file_is_hashed_is_no_reason_to_stop(serve):
    server = serve()
    server.load(dataset("one"))
    server.pause_at("hashing")
    server.drop(dataset("two"))
    server.wait_paused("hashing")
    server.inbox().sum_file.unlink()
    server.resume("hashing")
    server.wait_serving("one")
    server.drop(dataset("three"))
    server.wait_serving("three")


def test_an_inbox_that_is_removed_and_made_again_is_watched_again(serve):
    server = serve(words={"poll_interval": "200ms"})
    server.load(dataset("one"))
    folder = server.inbox().file.parent
    folder.rename(folder.with_name("gone"))
    assert server.serving() == "one"
    folder.mkdir()
    server.load(dataset("two"))
    assert server.serving() == "two"


# ---- what is no data file ----------------------------------------------------------------------


def make_folder(path):
    path.mkdir()


def make_full_folder(path):
    path.mkdir()
    (path / "data.json").write_bytes(encode(dataset("bad")))


def make_fifo(path):
    os.mkfifo(path)


def make_link(path):
    target = path.with_name("target")
    target.write_bytes(encode(dataset("bad")))
    path.symlink_to(target)


def make_dangling_link(path):
    path.symlink_to(path.with_name("nowhere"))


def make_link_to_itself(path):
    path.symlink_to(path)


def make_device_link(path):
    path.symlink_to("/dev/zero")


NOT_FILES = [
    make_folder,
    make_full_folder,
    make_fifo,
    make_link,
    make_dangling_link,
    make_link_to_itself,
    make_device_link,
]
not_files = pytest.mark.parametrize("make", NOT_FILES, ids=lambda f: f.__name__[5:])


def remove(path):
    if path.is_dir() and not path.is_symlink():
        for inner in path.iterdir():
            inner.unlink()
        path.rmdir()
    else:
        path.unlink()


@not_files
def test_what_is_no_regular_file_is_rejected_and_does_not_block_the_next_drop(serve, make):
    server = serve()
    server.load(dataset("one"))
    make(server.inbox().file)
    server.inbox().put_sum_of(encode(dataset("bad")))
    reason = server.wait("words", r"rejected .*data\.json\b").message
    assert "not a regular file" in reason
    assert server.serving() == "one"
    remove(server.inbox().file)
    server.load(dataset("two"))
    assert server.serving() == "two"


@not_files
def test_a_sum_that_is_no_regular_file_does_not_block_the_next_drop(serve, make):
    server = serve()
    server.load(dataset("one"))
    server.inbox().put_data(encode(dataset("two")))
    make(server.inbox().sum_file)
    server.wait("words", r"rejected |cannot ")
    assert server.serving() == "one"
    remove(server.inbox().sum_file)
    server.inbox().put_sum_of(encode(dataset("two")))
    server.adopted(2)
    assert server.serving() == "two"


def test_a_fifo_in_the_place_of_the_file_does_not_block_a_start(serve):
    server = serve(start=False)
    os.mkfifo(server.inbox().file)
    os.mkfifo(server.inbox().sum_file)
    server.start()
    server.wait("words", "rejected ")
    server.inbox().clear()
    server.load(dataset("one"))
    assert server.serving() == "one"


def test_a_hard_link_to_the_operators_copy_does_not_change_that_copy(serve):
    server = serve()
    one = encode(dataset("one"))
    copy = server.folder / "copy.json"
    copy.write_bytes(one)
    os.link(copy, server.inbox().file)
    server.inbox().put_sum_of(one)
    server.adopted(1)
    server.load(dataset("two"))
    server.wait("words", "generation 1 closed")
    assert copy.read_bytes() == one


# ---- the machine says no -----------------------------------------------------------------------

can_take_rights_away = pytest.mark.skipif(
    os.geteuid() == 0 and not os.path.exists("/usr/bin/setpriv"),
    reason="runs as root and has no setpriv to give up root's rights with",
)


@can_take_rights_away
def test_a_file_that_may_not_be_read_is_tried_again(serve):
    server = serve(wrap=without_superpowers(), words={"poll_interval": "100ms"})
    server.load(dataset("one"))
    two = encode(dataset("two"))
    server.inbox().put_data(two)
    server.inbox().file.chmod(0)
    server.inbox().put_sum_of(two)
    message = server.wait("words", "cannot |rejected ").message
    assert "ermission denied" in message
    assert server.serving() == "one"
    server.inbox().file.chmod(0o644)
    server.adopted(2)
    assert server.serving() == "two"


@can_take_rights_away
def test_a_sum_that_may_not_be_read_is_tried_again(serve):
    server = serve(wrap=without_superpowers(), words={"poll_interval": "100ms"})
    server.load(dataset("one"))
    two = encode(dataset("two"))
    server.inbox().put_data(two)
    secret = server.inbox().sum_file.with_name("secret")
    secret.write_bytes(server.inbox().sum_line(two))
    secret.chmod(0)
    secret.rename(server.inbox().sum_file)
    server.wait("words", "(cannot |rejected ).*ermission denied")
    assert server.serving() == "one"
    server.inbox().sum_file.chmod(0o644)
    server.adopted(2)


@can_take_rights_away
def test_slots_that_may_not_be_written_are_tried_again(serve):
    server = serve(wrap=without_superpowers(), words={"poll_interval": "100ms"})
    server.load(dataset("one"))
    slots = [server.store() / slot for slot in ("data00", "data01")]
    for slot in slots:
        slot.mkdir(exist_ok=True)
        slot.chmod(0o555)
    try:
        server.drop(dataset("two"))
        message = server.wait("words", "cannot .*trying again in ").message
        assert "ermission denied" in message
        assert server.serving() == "one"
    finally:
        for slot in slots:
            slot.chmod(0o755)
    server.adopted(2)
    assert server.serving() == "two"


@can_take_rights_away
def test_an_inbox_that_may_not_be_looked_into_counts_as_a_failure(serve):
    server = serve(wrap=without_superpowers(), words={"poll_interval": "100ms"})
    server.load(dataset("one"))
    assert server.stats()["goromdb_failures"] == "0"
    folder = server.inbox().file.parent
    folder.chmod(0)
    try:
        wait_for(lambda: int(server.stats()["goromdb_failures"]) > 0, "a failure to be counted")
        server.wait("words", ".*ermission denied")
        assert server.serving() == "one"
        assert server.stats()["goromdb_rejections"] == "0"
    finally:
        folder.chmod(0o755)
    server.load(dataset("two"))
    assert server.serving() == "two"


@can_take_rights_away
def test_an_inbox_that_may_not_be_written_is_tried_again(serve):
    server = serve(wrap=without_superpowers(), words={"poll_interval": "100ms"})
    server.load(dataset("one"))
    server.pause_at("hashed")
    server.drop(dataset("two"))
    server.wait_paused("hashed")
    folder = server.inbox().file.parent
    folder.chmod(0o555)
    try:
        server.resume("hashed")
        server.wait("words", "cannot .*ermission denied.*trying again in ")
        assert server.serving() == "one"
    finally:
        folder.chmod(0o755)
    server.adopted(2)
    assert server.serving() == "two"


def fill(folder):
    """Takes every byte that is left on the file system of `folder`."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
    return filler


@pytest.fixture
def small_disk(tmp_path):
    try:
        with tmpfs(tmp_path / "small", "4m") as path:
            yield path
    except OSError as error:
        pytest.skip(f"this machine does not allow to mount a tmpfs: {error}")


def test_a_full_disk_keeps_the_old_data_set_and_free_space_brings_the_new(serve, small_disk):
    server = serve(
        words={"basedir": str(small_disk / "store"), "poll_interval": "100ms"},
    )
    server.load(dataset("one", 2000))
    filler = fill(small_disk)
    server.drop(dataset("two", 20000))
    message = server.wait("words", "cannot .*trying again in ").message
    assert "No space left on device" in message
    assert server.serving(2000) == "one"
    assert not server.inbox().empty(), "the drop must stay where it is"
    filler.unlink()
    server.adopted(2)
    assert server.serving(20000) == "two"
    assert server.inbox().empty()


def test_a_disk_that_is_full_in_the_same_place_as_the_drop_is_waited_for(serve, small_disk):
    server = serve(
        words={
            "file": str(small_disk / "in" / "data.json"),
            "basedir": str(small_disk / "store"),
            "poll_interval": "100ms",
        },
    )
    server.load(dataset("one"))
    server.pause_at("hashed")
    server.drop(dataset("two"))
    server.wait_paused("hashed")
    filler = fill(small_disk)
    server.resume("hashed")
    # A rename needs no space; the notes do, or may fit in what is there. Both are right, as long
    # as what is served is whole.
    server.wait("words", "cannot .*No space left on device|generation 2 adopted")
    assert server.serving() in ("one", "two")
    filler.unlink()
    server.adopted(2)
    assert server.serving() == "two"


def test_a_file_size_limit_is_waited_for_like_a_full_disk(serve, elsewhere):
    # The same without a mount: no file of the process may grow past the limit, which is
    # lifted from outside while it runs. Signals stay as Python sets them: SIGXFSZ ignored.
    server = serve(
        words={"file": str(elsewhere / "in" / "data.json"), "poll_interval": "100ms"},
        popen={"restore_signals": False},
    )
    server.load(dataset("one"))
    lifted = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (65536, lifted[1]))
    server.drop(dataset("two", 20000))
    server.wait("words", "cannot .*File too large.*trying again in ")
    assert server.serving() == "one"
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, lifted)
    server.adopted(2)
    assert server.serving(20000) == "two"


def test_a_drop_on_another_file_system_is_copied(serve, elsewhere):
    server = serve(words={"file": str(elsewhere / "in" / "data.json")})
    assert os.stat(elsewhere).st_dev != os.stat(server.folder).st_dev
    server.load(dataset("one", 20000))
    server.load(dataset("two", 20000))
    assert server.serving(20000) == "two"
    assert server.inbox().empty()
    server.wait("words", "generation 1 closed")


@pytest.mark.parametrize("step", ["copying", "copied"])
def test_a_file_that_changes_while_it_is_copied_is_rejected(serve, elsewhere, step):
    server = serve(words={"file": str(elsewhere / "in" / "data.json")})
    server.load(dataset("one"))
    data, changed = encode(dataset("two", 200000)), encode(dataset("bad", 200000))
    server.pause_at(step)
    server.inbox().put_data(data)
    with open(server.inbox().file, "r+b", buffering=0) as writer:
        server.inbox().put_sum_of(data)
        server.wait_paused(step)
        writer.write(changed)
    server.resume(step)
    # Once copied, the copy is what is opened: then the change comes too late to matter.
    server.wait("words", "rejected |generation 2 adopted")
    with server.client() as client:
        assert client.get("marker") in ((b"one",) if step == "copying" else (b"one", b"two"))
    server.inbox().clear()
    server.load(dataset("three"))
    assert server.serving() == "three"


# ---- readers meanwhile -------------------------------------------------------------------------


def test_idle_connections_see_the_new_data_set(serve):
    server = serve()
    server.load(dataset("one"))
    clients = [server.client() for _ in range(20)]
    assert {whole_set(client) for client in clients} == {"one"}
    server.load(dataset("two"))
    assert {whole_set(client) for client in clients} == {"two"}
    for client in clients:
        client.close()


def test_a_reload_can_be_interrupted_by_a_stop(serve):
    server = serve()
    server.load(dataset("one"))
    server.pause_at("verified")
    server.drop(dataset("two"))
    server.wait_paused("verified")
    server.process.terminate()
    server.wait("server", "stopping on SIGTERM")
    server.resume("verified")
    server.stop()
    server.forget_steps()
    server.start(ready=True)
    server.wait_serving("two")
    with Client(server.address()) as client:
        assert whole_set(client) == "two"
