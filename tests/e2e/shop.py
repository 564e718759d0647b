# SPDX-License-Identifier: MIT
"""A server whose databases are in a group, and the batch job that feeds it."""

from harness import ErrorReply, dataset, encode, hexdigest, publish, run, wait_for, whole_set

MEMBERS = ("prices", "stock")
WAITS = ".*wait"  # what the logger `group shop` says


def listener(protocol, databases, **options):
    common = {"protocol": protocol, "listen": "127.0.0.1:0", "databases": databases}
    return {**common, "options": options}


class Shop:
    """A server with a group `shop` and, beside it, a database `clock` that is in no group.

    `each`: settings of all members; `settings`: of a database, by its name. The first listener has all
    databases, by prefix; the next ones have one each; the last speaks redis' protocol.
    """

    def __init__(self, serve, members=MEMBERS, server=None, each=None, **settings):
        self.members, self.ticks, self.made = members, 0, {}
        databases = {
            name: {
                "storage": "json",
                "file": f"in/{name}.json",
                "basedir": f"store-{name}",
                "poll_interval": "20ms",
                **((each or {}) if name in members else {}),
                **settings.get(name, {}),
            }
            for name in (*members, "clock")
        }
        self.server = serve(
            server=server,
            databases=databases,
            groups={"shop": list(members)},
            listeners=[
                listener("memcached", list(databases), database_separator="/"),
                *(listener("memcached", [name]) for name in databases),
                listener("redis", list(databases)),
            ],
        )
        first = self.server.config["databases"][members[0]]["file"]
        self.manifest = (self.server.folder / first).with_name("shop.group")
        self.server.load(dataset("tick0"), "clock")

    # -- the batch job

    def data(self, name, marker, entries=64):
        """The file of a data set, in the format of the database's storage."""
        if (name, marker, entries) not in self.made:
            data = encode(dataset(marker, entries))
            storage = self.server.config["databases"][name]["storage"]
            if storage != "json":
                rows, built = self.server.folder / "rows.json", self.server.folder / "rows.data"
                rows.write_bytes(data)
                built.unlink(missing_ok=True)
                done = run("build", "--storage", storage, "--input", rows, "--output", built)
                assert done.returncode == 0, done.stderr
                data = built.read_bytes()
            self.made[name, marker, entries] = data
        return self.made[name, marker, entries]

    def put(self, marker, *names):
        for name in names or self.members:
            self.server.drop(self.data(name, marker), name)

    def line(self, name, marker, called=None):
        data = marker if isinstance(marker, bytes) else self.data(name, marker)
        return f"{hexdigest(data, self.server.inbox(name).kind)}  {called or name}\n"

    def announce(self, marker=None, **markers):
        """Writes the manifest: `marker` for all members but those with a marker, or data, of their own."""
        lines = [self.line(name, markers.get(name, marker)) for name in self.members]
        publish(self.manifest, "".join(lines).encode())

    def load(self, marker):
        after = self.server.mark()
        self.put(marker)
        self.announce(marker)
        self.come(after, marker)

    # -- what comes of it

    def come(self, after, *markers, changed=None):
        """Waits until `markers` have been adopted; from the first adoption on all are to be seen."""
        changed = changed or self.members
        markers = markers if len(markers) > 1 else markers * len(self.members)
        for name in changed:
            digest = self.line(name, dict(zip(self.members, markers))[name]).split()[0]
            self.server.wait(name, rf"generation \d+ adopted: .*:{digest}, ", after)
            assert self.markers() == markers
        wait_for(lambda: not self.manifest.exists(), f"the manifest to go\n{self.server.log()}")

    def settles(self, old, new):
        """Waits until all members serve `new`; until then all serve `old`."""

        def look():
            markers = set(self.markers())
            assert markers in ({old}, {new}), f"{markers}\n{self.server.log()}"
            return markers == {new}

        wait_for(look, f"{new} to be served\n{self.server.log()}")

    def markers(self, client=None):
        """What all members serve, asked in one write; None: nothing yet."""
        if client is None:
            with self.server.client() as client:
                return self.markers(client)
        client.send(b"".join(b"get %s/marker\r\n" % name.encode() for name in self.members))
        return tuple(one_marker(client) for _ in self.members)

    def whole(self):
        found = []
        for name in self.members:
            with self.server.client([name]) as client:
                found.append(whole_set(client))
        return tuple(found)

    def stats(self, name):
        with self.server.client([name]) as client:
            return client.stats()

    def generations(self):
        return [int(self.stats(name)["goromdb_generation"]) for name in self.members]

    def errors(self, after=0):
        events = self.server.find("group shop", "", after)
        return [event.message for event in events if event.level == "error"]

    def tick(self):
        """Time for the group to err: a database that is in none takes a few drops, which takes longer
        than some polls and wakes the watchers of the folder."""
        for _ in range(3):
            self.ticks += 1
            self.server.load(dataset(f"tick{self.ticks}"), "clock")


def one_marker(client):
    try:
        ((_, value),) = client.read_values()
        return value.decode()
    except ErrorReply as error:
        assert "not ready" in str(error)
        return None
