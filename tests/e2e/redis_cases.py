# SPDX-License-Identifier: MIT
"""What is sent to redis and to goromdb alike: data, requests, and the differences that are meant.

A case is a text (a request of words), a tuple (words of any bytes), bytes as they are, or a list of
these.
"""


# ---- data ----------------------------------------------------------------------------------------

MIB = bytes(i * 7 % 251 for i in range(1 << 12)) * (1 << 8)
BINARY_KEY = b"\x00\xff\r\n $3"
BINARY = bytes(range(256))
UTF8_KEY = "schlüssel-ключ-鍵".encode()

STRINGS = {
    b"hoge": b"piyo",
    b"a": b"1",
    b"number": b"12345",
    b"negative": b"-7",
    b"largest": b"9223372036854775807",
    b"too large": b"9223372036854775808",
    b"zeros": b"007",
    b"float": b"3.25",
    b"empty": b"",
    b"lines": b"x\r\n+OK\r\n$3\r\nfoo\r\n",
    b"short44": b"s" * 44,
    b"long45": b"l" * 45,
    b"bits": b"\x00\x0f\xff\x80",
    b"binary": BINARY,
    BINARY_KEY: b"of a binary key",
    b"a key of words": b"spaces",
    b"back\\slash*[x]?": b"of a key that looks like a pattern",
    UTF8_KEY: "значение-ü-漢字-🙂".encode(),
    b"mib": MIB,
    b"k" * 500: b"of a long key",
}
STRINGS |= {b"many:%02d" % i: b"value %d" % i for i in range(40)}
HASHES = {
    b"user:1": {b"age": b"42", b"mail": b"u1@example.org", b"name": b"Ada"},
    b"one": {b"field": b"value"},
    b"binary hash": {b"\x00\xff\r\n": BINARY, b"empty": b"", UTF8_KEY: "ü".encode()},
    b"wide": {b"field%04d" % i: b"%d" % i for i in range(600)},
    b"long values": {b"f": b"v" * 65, b"g": b"w"},
}
DATABASES = {
    0: STRINGS | HASHES,
    1: {b"hoge": b"of the second", b"second": b"2", b"user:1": {b"name": b"Grace", b"x": b"y"}},
}

# ---- requests that are read ----------------------------------------------------------------------

STRING = [
    *("GET hoge", "get hoge", "gEt a", "GET missing", "GET empty", "GET lines", "GET number"),
    *("GET binary", "GET mib", ("GET", BINARY_KEY), ("GET", UTF8_KEY), 'GET "a key of words"'),
    *(("GET", b""), ("GET", b"x" * 5000), ("GET", b"k" * 500), ("GET", b"k" * 501)),
    *("GET", "GET a b", "GET user:1", "GET one", "GET hoge\r\n"),
    *("MGET hoge", "MGET hoge missing a", "MGET a a a", "MGET user:1 hoge one", "MGET mib mib"),
    *("MGET", ("MGET", *(f"many:{i:02}" for i in range(40))), ("MGET", *["missing"] * 300)),
    *(("MGET", UTF8_KEY, BINARY_KEY, b""), "MGET empty lines binary"),
    *("STRLEN hoge", "STRLEN missing", "STRLEN empty", "STRLEN mib", "STRLEN number"),
    *("STRLEN user:1", "STRLEN", "STRLEN a b"),
    *(f"GETRANGE hoge {span}" for span in ("0 -1", "0 0", "1 2", "-3 -1", "-1 -3", "2 1")),
    *(f"GETRANGE hoge {span}" for span in ("-100 100", "100 200", "0 100", "-100 -50", "3 3")),
    *(f"GETRANGE hoge {span}" for span in ("x 1", "0 y", "0 1.5", '0 ""', '" 1" 2', "+1 2")),
    *("GETRANGE hoge 0 9223372036854775807", "GETRANGE hoge -9223372036854775808 -1"),
    *("GETRANGE hoge 0 9223372036854775808", "GETRANGE hoge 0 -9223372036854775809"),
    *("GETRANGE missing 0 -1", "GETRANGE missing x y", "GETRANGE empty 0 -1"),
    "GETRANGE user:1 0 1",
    *("GETRANGE user:1 x 1", "GETRANGE number 1 2", "GETRANGE mib 5 70000", "GETRANGE lines 0 -1"),
    *("GETRANGE hoge 0", "GETRANGE hoge 0 1 2", "GETRANGE binary 250 -1"),
    *("SUBSTR hoge 1 2", "SUBSTR missing 0 -1", "SUBSTR user:1 0 -1", "SUBSTR hoge x 1"),
    "SUBSTR a",
    *("GETEX hoge", "GETEX missing", "GETEX user:1", "GETEX", "GETEX empty"),
    *("GETBIT bits 0", "GETBIT bits 12", "GETBIT bits 24", "GETBIT bits 10000", "GETBIT missing 3"),
    *("GETBIT bits -1", "GETBIT bits x", "GETBIT bits 4294967296", "GETBIT user:1 0"),
    "GETBIT bits",
    *("BITCOUNT bits", "BITCOUNT missing", "BITCOUNT binary", "BITCOUNT mib", "BITCOUNT user:1"),
    *("BITCOUNT bits 1 2", "BITCOUNT bits -2 -1", "BITCOUNT bits 5 20 BIT"),
    "BITCOUNT bits 1 1 BYTE",
    *("BITCOUNT bits 1", "BITCOUNT bits 1 2 WORD", "BITCOUNT bits x 2", "BITCOUNT bits 3 1"),
    *("BITCOUNT missing 1 x", "BITCOUNT missing 1", "BITCOUNT bits 100 200", "BITCOUNT empty 0 -1"),
    *("BITPOS bits 1", "BITPOS bits 0", "BITPOS bits 1 2", "BITPOS bits 0 1 2"),
    "BITPOS bits 1 7 15 BIT",
    *("BITPOS missing 1", "BITPOS missing 0", "BITPOS bits 2", "BITPOS bits x", "BITPOS user:1 1"),
    *("BITPOS empty 0", "BITPOS binary 0", "BITPOS bits 1 2 3 WORD", "BITPOS bits 0 2 2"),
    *("LCS hoge a", "LCS hoge missing", "LCS hoge user:1", "LCS short44 long45 LEN"),
    "LCS hoge hoge",
    *("LCS hoge hoge IDX", "LCS hoge hoge IDX WITHMATCHLEN", "LCS hoge hoge WHAT"),
    "LCS hoge hoge LEN IDX",
]

GENERIC = [
    *("EXISTS hoge", "EXISTS missing", "EXISTS user:1", "EXISTS hoge missing a"),
    "EXISTS hoge hoge",
    *("EXISTS user:1 user:1 hoge missing empty", "EXISTS", "EXISTS mib", ("EXISTS", BINARY_KEY)),
    *(
        f"{command} {key}"
        for command in ("TYPE", "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME")
        for key in ("hoge", "missing", "user:1", "")
    ),
    *("TYPE a b", "TTL a b", "PTTL", "EXPIRETIME a b", "PEXPIRETIME"),
    *("TOUCH hoge", "TOUCH missing", "TOUCH hoge user:1 missing hoge", "TOUCH"),
    *(f"OBJECT ENCODING {key}" for key in ("hoge", "a", "number", "negative", "largest", "zeros")),
    *(f"OBJECT ENCODING {key}" for key in ('"too large"', "float", "empty", "short44", "long45")),
    *(f"OBJECT ENCODING {key}" for key in ("mib", "user:1", "wide", '"long values"', "missing")),
    *("OBJECT REFCOUNT hoge", "OBJECT REFCOUNT missing", "OBJECT REFCOUNT user:1"),
    *("OBJECT FREQ hoge", "OBJECT FREQ missing", "OBJECT FREQ user:1"),
    *("OBJECT IDLETIME hoge", "OBJECT IDLETIME missing", "OBJECT IDLETIME user:1"),
    *("OBJECT", "OBJECT ENCODING", "OBJECT NOSUCH hoge", "OBJECT ENCODING a b", "OBJECT HELP"),
    *("MEMORY USAGE hoge", "MEMORY USAGE missing", "MEMORY USAGE user:1"),
    "MEMORY USAGE hoge SAMPLES 5",
    *("MEMORY USAGE hoge SAMPLES", "MEMORY USAGE hoge SAMPLES x", "MEMORY USAGE hoge SAMPLES -1"),
    *("MEMORY USAGE hoge NOSUCH 5", "MEMORY USAGE", "MEMORY USAGE missing SAMPLES 0"),
    *("DUMP missing", "DUMP hoge", "DUMP", "DUMP empty", "DUMP mib", "DUMP number", "DUMP one"),
    "DUMP lines",
    *("RANDOMKEY", "RANDOMKEY a", "DBSIZE", "DBSIZE a"),
    *("KEYS *", "KEYS hog*", "KEYS hoge", "KEYS missing*", "KEYS user*", "KEYS many:0?"),
    "KEYS h[a-o]ge",
    *("KEYS h[^o]ge", "KEYS h[^x]ge", "KEYS [a-b]", "KEYS [b-a]", "KEYS ?", "KEYS hoge*"),
    "KEYS *hoge*",
    *(r"KEYS back\\\\*", r"KEYS hog\\e", r"KEYS *\\[x\\]*", "KEYS [", "KEYS h[", "KEYS [hx]oge"),
    "KEYS a",
    *("KEYS many:*", "KEYS **********x", "KEYS", "KEYS a b", ("KEYS", b""), ("KEYS", b"\x00*")),
    *(("KEYS", UTF8_KEY), ("KEYS", UTF8_KEY[:9] + b"*"), "KEYS *e*o*", "KEYS one", "KEYS HOGE"),
]

HASH = [
    *("HGET user:1 name", "HGET user:1 missing", "HGET missing name", "HGET hoge name"),
    "HGET user:1",
    *("HGET user:1 name x", ("HGET", b"binary hash", b"\x00\xff\r\n")),
    ("HGET", b"binary hash", UTF8_KEY),
    *(("HGET", b"binary hash", b"empty"), ("HGET", b"", b""), ("HGET", b"user:1", b"")),
    *("HMGET user:1 name age", "HMGET user:1 missing name name", "HMGET missing a b c"),
    "HMGET hoge a",
    *("HMGET user:1", ("HMGET", "wide", *(f"field{i:04}" for i in range(0, 600, 3)))),
    *("HEXISTS user:1 name", "HEXISTS user:1 missing", "HEXISTS missing name", "HEXISTS hoge name"),
    *("HEXISTS user:1", "HLEN user:1", "HLEN missing", "HLEN hoge", "HLEN wide", "HLEN"),
    "HLEN a b",
    *("HSTRLEN user:1 name", "HSTRLEN user:1 missing", "HSTRLEN missing name", "HSTRLEN hoge name"),
    *("HSTRLEN user:1", 'HSTRLEN "binary hash" empty'),
    *(
        f"{command} {key}"
        for command in ("HGETALL", "HKEYS", "HVALS")
        for key in ("user:1", "one", "missing", "hoge", "wide", '"binary hash"', '""', "")
    ),
    *("HGETALL user:1 x", "HKEYS a b", "HVALS a b"),
    *("HSCAN user:1 0", "HSCAN user:1 0 MATCH n*", "HSCAN user:1 0 MATCH x*", "HSCAN missing 0"),
    *("HSCAN hoge 0", "HSCAN one 0", "HSCAN user:1 0 COUNT 1000", "HSCAN user:1 0 COUNT 0"),
    *("HSCAN user:1 0 COUNT x", "HSCAN user:1 0 NOSUCH 1", "HSCAN user:1 0 MATCH"),
    "HSCAN user:1 x",
    *("HSCAN user:1 0 TYPE hash", "HSCAN user:1", "HSCAN hoge x", "HSCAN missing x"),
    "HSCAN user:1 -1",
    *("HSCAN wide 0 COUNT 100000", "HSCAN one 0 MATCH f* COUNT 5", 'HSCAN "binary hash" 0'),
    *("HRANDFIELD user:1", "HRANDFIELD one", "HRANDFIELD missing", "HRANDFIELD hoge"),
    "HRANDFIELD one 1",
    *("HRANDFIELD user:1 3", "HRANDFIELD user:1 10", "HRANDFIELD user:1 2", "HRANDFIELD user:1 0"),
    *("HRANDFIELD one 5", "HRANDFIELD one -5", "HRANDFIELD one 1 WITHVALUES", "HRANDFIELD wide 5"),
    *("HRANDFIELD one -3 WITHVALUES", "HRANDFIELD missing 5", "HRANDFIELD missing -5 WITHVALUES"),
    *("HRANDFIELD user:1 10 WITHVALUES", "HRANDFIELD user:1 x", "HRANDFIELD user:1 1 NOSUCH"),
    *("HRANDFIELD hoge 5", "HRANDFIELD user:1 1 WITHVALUES x", "HRANDFIELD"),
    *("HRANDFIELD one -9223372036854775808", "HRANDFIELD one 9223372036854775808"),
]

SCAN = [
    *("SCAN 0 COUNT 100000", "SCAN 0 MATCH hog* COUNT 100000", "SCAN 0 COUNT 100000 MATCH many:*"),
    *("SCAN 0 TYPE hash COUNT 100000", "SCAN 0 COUNT 100000 TYPE string"),
    "SCAN 0 TYPE list COUNT 100000",
    *("SCAN 0 COUNT 100000 TYPE HASH", "SCAN 0 COUNT 100000 TYPE nosuch"),
    "SCAN 0 COUNT 100000 MATCH x*",
    *("SCAN 0 MATCH user* TYPE hash COUNT 100000", "SCAN 0 MATCH user* TYPE string COUNT 100000"),
    *("SCAN x", "SCAN -1", "SCAN 0 COUNT 0", "SCAN 0 COUNT -5", "SCAN 0 COUNT x", "SCAN 0 COUNT"),
    *("SCAN 0 MATCH", "SCAN 0 NOSUCH 1", "SCAN 0 NOSUCH", "SCAN 0 TYPE", "SCAN", 'SCAN ""'),
    "SCAN 1x",
    *("SCAN 18446744073709551616", 'SCAN " 0"', "SCAN 0 COUNT 9223372036854775808"),
    *("SCAN 0 COUNT 100000 COUNT 0", "SCAN 0 MATCH a MATCH hoge COUNT 100000", "SCAN 1.5"),
]

CONNECTION = [
    *("PING", "ping", "PING hello", "PING a b", ("PING", BINARY), ("PING", b"")),
    *("ECHO hello", "ECHO", "ECHO a b", ("ECHO", BINARY), ("ECHO", MIB), ("ECHO", b"")),
    *("SELECT 0", "SELECT 1", "SELECT 2", "SELECT -1", "SELECT x", "SELECT", "SELECT 0 1"),
    *("SELECT 99999999999999999999", "SELECT 1.0", 'SELECT ""', "SELECT 2147483648"),
    *(["SELECT 1", "GET hoge"], ["SELECT 1", "GET second", "DBSIZE", "SELECT 0", "GET second"]),
    *(["SELECT 1", "SELECT 7", "GET hoge"], ["SELECT 1", "HGETALL user:1"]),
    ["SELECT 1", "KEYS second"],
    *("HELLO x", "HELLO 1", "HELLO 4", "HELLO 2 AUTH", "HELLO 2 AUTH a", "HELLO 2 NOSUCH"),
    "HELLO 2.0",
    *("HELLO 3 SETNAME", "HELLO 2 AUTH default x NOSUCH", 'HELLO 2 SETNAME "a b"'),
    *(["HELLO 2 SETNAME me", "CLIENT GETNAME"], ["HELLO 3 SETNAME me", "CLIENT GETNAME"]),
    ["HELLO 3 AUTH default anything", "GET missing"],
    ["HELLO 3", "GET missing", "HELLO 2", "GET missing"],
    *("HELLO 3 AUTH nosuch x", "HELLO", "HELLO 2", "HELLO 3"),
    *("AUTH x", "AUTH default x", "AUTH nosuch x", "AUTH", "AUTH a b c"),
    *("RESET", "RESET x", ["SELECT 1", "RESET", "GET hoge"]),
    ["CLIENT SETNAME me", "RESET", "CLIENT GETNAME"],
    *(["MULTI", "RESET", "GET hoge"], ["HELLO 3", "RESET", "GET missing"]),
    *("READONLY x", "READWRITE x", "READONLY", "READWRITE", "ASKING", "WAIT 0 0", "WAIT x 0"),
    *("WAIT 0 x", "WAIT 0"),
    *("WAIT 0 -1", "CLIENT", "CLIENT ID", "CLIENT ID x", "CLIENT GETNAME", "CLIENT NOSUCH"),
    "CLIENT HELP",
    ["CLIENT SETNAME me", "CLIENT GETNAME"],
    ["CLIENT SETNAME me", 'CLIENT SETNAME ""', "CLIENT GETNAME"],
    *('CLIENT SETNAME "a b"', ["CLIENT SETNAME me", 'CLIENT SETNAME "a b"', "CLIENT GETNAME"]),
    "CLIENT SETNAME",
    *(("CLIENT", "SETNAME", b"a\nb"), ("CLIENT", "SETNAME", UTF8_KEY), "CLIENT SETNAME a b"),
    *("CLIENT SETINFO LIB-NAME mine", "CLIENT SETINFO LIB-VER 1.0", "CLIENT SETINFO NOSUCH x"),
    *("CLIENT NO-EVICT on", "CLIENT NO-EVICT off", "CLIENT NO-EVICT x", "CLIENT NO-EVICT"),
    *("CLIENT NO-TOUCH on", "CLIENT NO-TOUCH off"),
    *(["CLIENT REPLY OFF", "GET hoge", "CLIENT REPLY ON", "GET a"], "CLIENT REPLY ON"),
    "CLIENT REPLY x",
    ["CLIENT REPLY SKIP", "GET hoge", "GET a"],
    ["CLIENT REPLY OFF", "PING", "CLIENT REPLY SKIP", "PING"],
    *(["CLIENT REPLY SKIP", "CLIENT REPLY SKIP", "GET hoge", "GET a"], "CLIENT REPLY"),
    ["CLIENT REPLY OFF", "NOSUCH", "GET", "CLIENT REPLY ON"],
    ["CLIENT REPLY SKIP", "NOSUCH", "GET a"],
    *(["CLIENT REPLY OFF", "GET mib", "MGET mib mib", "CLIENT REPLY ON"],),
    *("CLIENT INFO", "CLIENT INFO x", "CLIENT LIST", "CLIENT LIST ID x", "CLIENT LIST TYPE nosuch"),
    *("CLIENT LIST TYPE pubsub", "CLIENT LIST TYPE master", "CLIENT LIST TYPE replica"),
    "CLIENT LIST NOSUCH",
    *("CLIENT LIST ID 999999999", "CLIENT LIST TYPE", "CLIENT LIST ID", "CLIENT LIST TYPE normal"),
    *("CLIENT KILL 1.2.3.4:5", "CLIENT KILL ID x", "CLIENT KILL ID 0", "CLIENT KILL NOSUCH x"),
    "CLIENT KILL",
    *("CLIENT KILL ID 999999999", "CLIENT UNBLOCK 999999999", "CLIENT UNBLOCK x"),
    "CLIENT UNBLOCK 1 NOSUCH",
    *("CLIENT UNBLOCK 999999999 TIMEOUT", "CLIENT UNBLOCK 999999999 ERROR", "CLIENT UNBLOCK"),
    *("CLIENT PAUSE x", "CLIENT PAUSE", "CLIENT UNPAUSE x", "CLIENT UNPAUSE"),
]

TRACKING = [
    *("CLIENT TRACKING on", "CLIENT TRACKING off", "CLIENT TRACKING x", "CLIENT TRACKING"),
    *("CLIENT TRACKING on BCAST", "CLIENT TRACKING on BCAST PREFIX a PREFIX b"),
    "CLIENT TRACKING on PREFIX a",
    *("CLIENT TRACKING on BCAST PREFIX a PREFIX ab", "CLIENT TRACKING on OPTIN"),
    "CLIENT TRACKING on OPTOUT",
    *("CLIENT TRACKING on OPTIN OPTOUT", "CLIENT TRACKING on BCAST OPTIN"),
    "CLIENT TRACKING on NOLOOP",
    *("CLIENT TRACKING on REDIRECT 999999999", "CLIENT TRACKING on REDIRECT x"),
    "CLIENT TRACKING on NOSUCH",
    *("CLIENT TRACKING on REDIRECT", "CLIENT TRACKING on BCAST OPTOUT"),
    ["CLIENT TRACKING on", "CLIENT TRACKINGINFO"],
    ["CLIENT TRACKING on BCAST PREFIX a", "CLIENT TRACKINGINFO"],
    [
        "CLIENT TRACKING on OPTIN NOLOOP",
        "CLIENT TRACKINGINFO",
        "CLIENT CACHING yes",
        "CLIENT TRACKINGINFO",
    ],
    [
        "CLIENT TRACKING on OPTOUT",
        "CLIENT CACHING no",
        "CLIENT TRACKINGINFO",
        "PING",
        "CLIENT TRACKINGINFO",
    ],
    ["CLIENT TRACKING on OPTIN", "CLIENT CACHING no"],
    ["CLIENT TRACKING on OPTOUT", "CLIENT CACHING yes"],
    ["CLIENT TRACKING on", "CLIENT TRACKING on BCAST"],
    ["CLIENT TRACKING on BCAST", "CLIENT TRACKING on"],
    ["CLIENT TRACKING on OPTIN", "CLIENT TRACKING on OPTOUT"],
    ["CLIENT TRACKING on", "CLIENT GETREDIR"],
    *(["CLIENT TRACKING on OPTIN", "CLIENT TRACKING off", "CLIENT TRACKINGINFO"],),
    *(["CLIENT TRACKING on", "GET hoge", "GET missing", "HGETALL user:1", "MGET a hoge"],),
    ["CLIENT TRACKING on OPTIN", "CLIENT CACHING yes", "GET hoge"],
    ["CLIENT TRACKING on BCAST", "GET hoge"],
    *("CLIENT CACHING yes", "CLIENT CACHING no", "CLIENT CACHING x", "CLIENT CACHING"),
    "CLIENT GETREDIR",
    *("CLIENT TRACKINGINFO", "CLIENT TRACKINGINFO x", "CLIENT GETREDIR x"),
]

PUBSUB = [
    *("SUBSCRIBE a", "SUBSCRIBE a b a", "SUBSCRIBE", "PSUBSCRIBE a*", "PSUBSCRIBE a* b*"),
    "PSUBSCRIBE",
    *("UNSUBSCRIBE", "UNSUBSCRIBE a", "UNSUBSCRIBE a b", "PUNSUBSCRIBE", "PUNSUBSCRIBE a*"),
    *("SSUBSCRIBE a", "SSUBSCRIBE", "SUNSUBSCRIBE", "SUNSUBSCRIBE a"),
    ["SUBSCRIBE a b", "UNSUBSCRIBE a", "UNSUBSCRIBE"],
    ["SUBSCRIBE a", "PSUBSCRIBE b*", "UNSUBSCRIBE", "PUNSUBSCRIBE"],
    *(["SUBSCRIBE a", "PING"], ["SUBSCRIBE a", "PING x"], ["SUBSCRIBE a", "GET hoge"]),
    ["SUBSCRIBE a", "ECHO x"],
    *(["SUBSCRIBE a", "UNSUBSCRIBE a", "GET hoge"], ["SUBSCRIBE a", "NOSUCH"]),
    ["SUBSCRIBE a", "GET"],
    *(["SUBSCRIBE a", "RESET", "GET hoge"], ["PSUBSCRIBE a", "SELECT 1"]),
    ["SUBSCRIBE a", "CLIENT GETNAME"],
    *(["SSUBSCRIBE a", "GET hoge"], ["SUBSCRIBE a", "MULTI"], ["SUBSCRIBE a", "HELLO 2"]),
    ["SUBSCRIBE a", "CLIENT REPLY OFF"],
    ["SUBSCRIBE a", "SUBSCRIBE a", "UNSUBSCRIBE b", "UNSUBSCRIBE a"],
    ["SSUBSCRIBE a b", "SUNSUBSCRIBE b", "SUNSUBSCRIBE"],
    [("SUBSCRIBE", BINARY), ("UNSUBSCRIBE", BINARY)],
    ["MULTI", "SUBSCRIBE a", "EXEC"],
    ["MULTI", "SSUBSCRIBE a", "EXEC"],
    ["MULTI", "SUBSCRIBE a b", "GET hoge", "EXEC", "UNSUBSCRIBE a"],
    *("PUBLISH a b", "PUBLISH a", "SPUBLISH a b", "SPUBLISH a"),
    *("PUBSUB", "PUBSUB CHANNELS", "PUBSUB CHANNELS a*", "PUBSUB CHANNELS a b", "PUBSUB NUMSUB"),
    "PUBSUB NUMSUB a b",
    *("PUBSUB NUMPAT", "PUBSUB NUMPAT x", "PUBSUB SHARDCHANNELS", "PUBSUB SHARDNUMSUB"),
    "PUBSUB SHARDNUMSUB a",
    *("PUBSUB NOSUCH", "PUBSUB HELP"),
]

TRANSACTION = [
    *(["MULTI", "EXEC"], ["MULTI", "GET hoge", "EXEC"]),
    ["MULTI", "GET hoge", "MGET a missing", "EXEC", "GET a"],
    *(["MULTI", "DISCARD"], ["MULTI", "GET hoge", "DISCARD", "GET hoge"], "EXEC", "DISCARD"),
    *("MULTI x", "EXEC x"),
    *("DISCARD x", ["MULTI", "MULTI", "EXEC"], ["MULTI", "GET hoge", "MULTI", "GET a", "EXEC"]),
    *(["MULTI", "NOSUCH", "GET hoge", "EXEC", "GET a"], ["MULTI", "GET", "GET hoge", "EXEC"]),
    ["MULTI", "GET user:1", "GET hoge", "EXEC"],
    ["MULTI", "HGETALL user:1", "HLEN wide", "DBSIZE", "EXEC"],
    *(["MULTI", "SELECT 1", "GET hoge", "SELECT 0", "GET hoge", "EXEC", "GET hoge"],),
    *(["MULTI", "SELECT 1", "EXEC", "GET hoge"], ["MULTI", "SELECT 9", "GET hoge", "EXEC"]),
    *(["MULTI", "PING", "PING x", "ECHO y", "TYPE hoge", "STRLEN a", "EXISTS a b hoge", "EXEC"],),
    *(["WATCH hoge", "MULTI", "GET hoge", "EXEC"], ["WATCH hoge a", "UNWATCH", "MULTI", "EXEC"]),
    *("WATCH", "UNWATCH"),
    *(["MULTI", "WATCH a", "GET hoge", "EXEC"], ["MULTI", "UNWATCH", "EXEC"]),
    *(["WATCH a", "DISCARD"], "UNWATCH x"),
    [
        "MULTI",
        "KEYS hog*",
        "SCAN 0 MATCH hoge COUNT 100000",
        "HSCAN one 0",
        "HKEYS one",
        "HVALS user:1",
        "EXEC",
    ],
    ["MULTI", "CLIENT GETNAME", "CLIENT SETNAME x", "CLIENT GETNAME", "EXEC"],
    ["MULTI", "CLIENT NOSUCH", "EXEC"],
    *(["MULTI", "CLIENT", "EXEC"], ["MULTI", "PUBLISH a b", "EXEC"]),
    ["MULTI", "HELLO 3", "GET missing", "EXEC"],
    ["MULTI", "GETRANGE hoge x 1", "EXEC"],
    ["MULTI", "GET mib", "GETRANGE mib 0 5", "MGET mib a", "EXEC"],
    *(["MULTI", *["GET hoge"] * 200, "EXEC"], ["MULTI", "RESET", "EXEC"]),
    ["MULTI", "AUTH x", "EXEC"],
    ["MULTI", "GET missing", "HGET missing x", "HGETALL missing", "LRANGE missing 0 -1", "EXEC"],
    *(["MULTI", "EXEC", "EXEC"], ["MULTI", "GET hoge", b"GET a\r\n", "EXEC"]),
    ["MULTI", "RANDOMKEY x", "EXEC"],
    ["CLIENT REPLY OFF", "MULTI", "GET a", "EXEC", "CLIENT REPLY ON"],
    *(["MULTI", "CLIENT REPLY OFF", "GET a", "CLIENT REPLY ON", "GET hoge", "EXEC"],),
]

WRITE_IN_TRANSACTION = [
    *(["MULTI", "SET a b", "EXEC", "GET a"], ["MULTI", "GET hoge", "SET a b", "GET hoge", "EXEC"]),
    *(["MULTI", "SET a", "EXEC"], ["MULTI", "SET a b", "DISCARD", "GET a"]),
    ["WATCH a", "MULTI", "DEL a", "EXEC"],
    *(["SUBSCRIBE x", "SET a b"], ["CLIENT REPLY SKIP", "SET a b", "GET a"]),
    ["SELECT 1", "SET a b", "GET a"],
    *(["CLIENT REPLY OFF", "SET a b", "CLIENT REPLY ON"],),
]

SERVER = [
    *("TIME", "TIME x", "LASTSAVE", "LASTSAVE x", "ROLE", "ROLE x"),
    *("INFO", "INFO server", "INFO nosuch", "INFO replication keyspace", "INFO everything"),
    *("INFO all", "INFO default"),
    *("INFO clients", "INFO CLIENTS", "INFO cluster", "INFO keyspace", "INFO modules"),
    "INFO errorstats",
    *("CONFIG", "CONFIG GET", "CONFIG GET nosuch", "CONFIG GET databases", "CONFIG GET save"),
    "CONFIG GET appendonly",
    *("CONFIG GET maxmemory", "CONFIG GET databases appendonly", "CONFIG GET DATABASES"),
    "CONFIG GET maxmemory-policy",
    *("CONFIG GET *", "CONFIG GET timeout", "CONFIG GET proto-max-bulk-len"),
    "CONFIG GET slowlog-max-len",
    *("CONFIG GET replica-read-only", "CONFIG GET slave-read-only"),
    "CONFIG GET hash-max-listpack-entries",
    *("CONFIG NOSUCH", "CONFIG HELP", "CONFIG SET maxmemory", "CONFIG SET nosuch 1"),
    *("CONFIG RESETSTAT", "CONFIG RESETSTAT x"),
    *("SLOWLOG", "SLOWLOG LEN x", "SLOWLOG RESET", ["SLOWLOG RESET", "SLOWLOG LEN"]),
    ["SLOWLOG RESET", "SLOWLOG GET"],
    *("SLOWLOG GET x", "SLOWLOG GET -2", "SLOWLOG GET 1 2", "SLOWLOG NOSUCH", "SLOWLOG HELP"),
    ["SLOWLOG RESET", "SLOWLOG GET -1"],
    *("LATENCY", "LATENCY LATEST", "LATENCY HISTORY x", "LATENCY RESET", "LATENCY RESET x"),
    "LATENCY DOCTOR",
    *("LATENCY GRAPH x", "LATENCY NOSUCH", "LATENCY HELP", "LATENCY HISTORY", "LATENCY GRAPH"),
    "LATENCY HISTOGRAM nosuch",
    *("MEMORY", "MEMORY DOCTOR", "MEMORY STATS", "MEMORY MALLOC-STATS", "MEMORY PURGE"),
    *("MEMORY NOSUCH", "MEMORY HELP"),
    *("MODULE", "MODULE LIST", "MODULE LIST x", "MODULE NOSUCH", "MODULE HELP", "MODULE LOAD"),
    *("ACL", "ACL WHOAMI", "ACL WHOAMI x", "ACL USERS", "ACL LIST", "ACL CAT", "ACL CAT nosuch"),
    *("ACL NOSUCH", "ACL HELP"),
    *("ACL GETUSER nosuch", "ACL GETUSER default", "ACL GETUSER", "ACL CAT hash", "ACL CAT read"),
    "ACL CAT write",
    *("CLUSTER", "CLUSTER INFO", "CLUSTER NODES", "CLUSTER SLOTS", "CLUSTER NOSUCH"),
    *("CLUSTER HELP", "CLUSTER KEYSLOT a"),
    *("CLUSTER MYID", "CLUSTER SHARDS", "CLUSTER LINKS", "CLUSTER COUNTKEYSINSLOT 1"),
    *("LOLWUT", "LOLWUT VERSION 5", "DEBUG", "DEBUG NOSUCH", "DEBUG SLEEP 0", "PFSELFTEST x"),
    *("COMMAND", "COMMAND COUNT", "COMMAND COUNT x", "COMMAND NOSUCH", "COMMAND HELP"),
    "COMMAND LIST",
    *("COMMAND INFO", "COMMAND INFO get", "COMMAND INFO GET nosuch mget", "COMMAND INFO client|id"),
    "COMMAND INFO client",
    *("COMMAND INFO hgetall", "COMMAND INFO scan", "COMMAND INFO keys", "COMMAND INFO set"),
    "COMMAND INFO multi",
    *("COMMAND DOCS nosuch", "COMMAND DOCS get", "COMMAND DOCS", "COMMAND DOCS client|id"),
    "COMMAND DOCS scan hgetall",
    *("COMMAND LIST FILTERBY", "COMMAND LIST FILTERBY MODULE nosuch"),
    "COMMAND LIST FILTERBY PATTERN hget*",
    *("COMMAND LIST FILTERBY ACLCAT hash", "COMMAND LIST FILTERBY NOSUCH x"),
    "COMMAND LIST FILTERBY ACLCAT nosuch",
    *("COMMAND LIST FILTERBY PATTERN nosuch*", "COMMAND LIST FILTERBY PATTERN *client*"),
    "COMMAND LIST x",
    *("COMMAND GETKEYS GET a", "COMMAND GETKEYS MGET a b c", "COMMAND GETKEYS HGET k f"),
    "COMMAND GETKEYS PING",
    *("COMMAND GETKEYS NOSUCH a", "COMMAND GETKEYS GET", "COMMAND GETKEYS MSET a 1 b 2"),
    "COMMAND GETKEYS GET a b",
    *("COMMAND GETKEYS ZUNION 2 a b", "COMMAND GETKEYS XREAD STREAMS a b 0 0"),
    "COMMAND GETKEYS SORT a BY x STORE b",
    *("COMMAND GETKEYS ZUNIONSTORE d 2 a b", "COMMAND GETKEYS OBJECT ENCODING a"),
    "COMMAND GETKEYS MEMORY USAGE a",
    *("COMMAND GETKEYS GEORADIUS a 1 2 3 km STORE b", "COMMAND GETKEYS LMPOP 2 a b LEFT"),
    "COMMAND GETKEYS BITOP AND a b c",
    *("COMMAND GETKEYS BLPOP a b 0", "COMMAND GETKEYS MIGRATE h 1 k 0 5", "COMMAND GETKEYS"),
    *('COMMAND GETKEYS MIGRATE h 1 "" 0 5 KEYS a b', "COMMAND GETKEYS WATCH a b"),
    "COMMAND GETKEYS SINTERCARD 2 a b",
    *("COMMAND GETKEYSANDFLAGS GET a", "COMMAND GETKEYSANDFLAGS SET a b"),
    "COMMAND GETKEYSANDFLAGS MSET a 1 b 2",
    *("COMMAND GETKEYSANDFLAGS LMOVE a b LEFT RIGHT", "COMMAND GETKEYSANDFLAGS PING"),
    "COMMAND GETKEYSANDFLAGS HGETALL a",
]

UNKNOWN = [
    *("NOSUCH", "NOSUCH a", "nosuch a b c", 'NoSuCh "a b" c', ("NOSUCH", b"\r\n\r\n", b"x")),
    ("NO\r\nSUCH", b"y"),
    *(("NOSUCH", "x" * 300), ("N" * 300, "y"), ("NOSUCH", *["word"] * 100), ("NOSUCH", BINARY)),
    (b"\x00\xff", b"a"),
    *(("NOSUCH", "x" * 100, "y" * 100, "z" * 100), ("", "a"), ("NOSUCH", ""), ("N" * 128,)),
    ("N" * 129, "'quoted'"),
    *(("GETX", "a"), ("GE", "a"), ("G", "a"), ("GET ", "a"), (" GET", "a"), ("get|x", "a")),
    ("client|id",),
    *(("CLIENT", "x" * 300), ("CLIENT", b"\r\nx"), ("CLIENT", ""), ("CONFIG", "x", "y")),
    ("object", "nosuch"),
    *("ZADDX a", "POSTX", "GOROMDBX", "HTTL user:1 FIELDS 1 name", "CLIENT CAPA redirect"),
    "EXPIREX",
]

# Reads of types that no data set has, each of a key that is missing, a string, a hash: {}.
OTHER_TYPES = [
    *("BITFIELD_RO {}", "BITFIELD_RO {} GET u8 0", "BITFIELD_RO {} GET x 0", "GEODIST {} a b"),
    "GEODIST {} a b km",
    *("GEODIST {} a b parsec", "GEOHASH {}", "GEOHASH {} a b", "GEOPOS {}", "GEOPOS {} a b"),
    *("GEORADIUS_RO {} 1 2 3 km", "GEORADIUSBYMEMBER_RO {} m 1 km"),
    "GEOSEARCH {} FROMLONLAT 1 2 BYRADIUS 3 km",
    *("LINDEX {} 0", "LLEN {}", "LPOS {} x", "LPOS {} x COUNT 0", "LRANGE {} 0 -1"),
    *("LRANGE {} x y", "PFCOUNT {}"),
    *("PFCOUNT {} {}", "SCARD {}", "SDIFF {}", "SDIFF missing {}", "SINTER {}", "SINTERCARD 1 {}"),
    "SINTERCARD 0 {}",
    *("SINTERCARD x {}", "SISMEMBER {} x", "SMEMBERS {}", "SMISMEMBER {} a b", "SORT_RO {}"),
    "SORT_RO {} ALPHA",
    *("SRANDMEMBER {}", "SRANDMEMBER {} 2", "SRANDMEMBER {} -2", "SRANDMEMBER {} x", "SSCAN {} 0"),
    "SSCAN {} x",
    *("SUNION {}", "SUNION {} missing", "XINFO STREAM {}", "XINFO GROUPS {}"),
    *("XINFO CONSUMERS {} g", "XLEN {}"),
    *("XINFO STREAM {} FULL", "XPENDING {} g", "XRANGE {} - +", "XRANGE {} x +"),
    "XREAD COUNT 1 STREAMS {} 0",
    *("XREAD STREAMS {} $", "XREAD STREAMS {} {}", "XREVRANGE {} + -", "ZCARD {}", "ZCOUNT {} 0 1"),
    "ZCOUNT {} x 1",
    *("ZDIFF 1 {}", "ZDIFF 1 {} WITHSCORES", "ZINTER 1 {}", "ZINTER 2 {} missing"),
    *("ZINTERCARD 1 {}", "ZLEXCOUNT {} - +"),
    *("ZLEXCOUNT {} x y", "ZMSCORE {} a b", "ZRANDMEMBER {}", "ZRANDMEMBER {} 2"),
    "ZRANDMEMBER {} -2 WITHSCORES",
    *("ZRANGE {} 0 -1", "ZRANGE {} 0 -1 WITHSCORES", "ZRANGE {} x -1", "ZRANGE {} - + BYLEX"),
    "ZRANGEBYLEX {} - +",
    *("ZRANGEBYSCORE {} 0 1", "ZRANGEBYSCORE {} x y", "ZRANK {} a", "ZREVRANGE {} 0 -1"),
    "ZREVRANGEBYLEX {} + -",
    *("ZREVRANGEBYSCORE {} 1 0", "ZREVRANK {} a", "ZSCAN {} 0", "ZSCAN {} 0 MATCH x COUNT 5"),
    "ZSCORE {} a",
    *("ZUNION 1 {}", "ZUNION 1 {} WITHSCORES", "ZUNION x {}"),
]
TYPES = [
    request.replace("{}", key) for request in OTHER_TYPES for key in ("missing", "hoge", "user:1")
]

# redis' own words about what follows the key of these.
TYPES += ["SORT_RO missing NOSUCH", "SORT_RO hoge NOSUCH", "GEOSEARCH missing a b c d e f"]
TYPES += ["GEORADIUS_RO missing 1 x 3 km", "GEORADIUSBYMEMBER_RO missing m x km"]

# Requests in other words than clients write them.

INLINE = [
    *(b"GET hoge\r\n", b"GET hoge\n", b"get   hoge  \r\n", b"  GET hoge\r\n", b'GET "hoge"\r\n'),
    b"GET 'hoge'\r\n",
    *(b"\r\n", b"\n", b"   \r\n", b"\r\n\r\nPING\r\n", b"PING\r\n", b'ECHO "a b"\r\n'),
    *(b"ECHO 'a b'\r\n", b'ECHO ""\r\n'),
    *(b'ECHO "\\x00\\xff\\n\\r\\t\\a\\b\\"\\\\"\r\n', b"ECHO 'it\\'s'\r\n"),
    *(b'ECHO "\\xzz\\q"\r\n', b"ECHO a\tb\r\n"),
    *(b"MGET hoge a missing\r\n", b"SELECT 1\r\nGET hoge\r\n", b"MULTI\nGET a\nEXEC\n"),
    *(b"NOSUCH a b\r\n", b"get\r\n", b"ECHO *3\r\n", b"ECHO " + b"x" * 40000 + b"\r\n"),
    *(b"PING\r\r\n", b"PING \x0b\x0c\r\n"),
    *(b"*0\r\n", b"*-1\r\n", b"*0\r\n*1\r\n$4\r\nPING\r\n", b"*-5\r\nPING\r\n"),
    b"*1\r\n$4\r\nPING\r\n",
    *(b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", b"*3\r\n$0\r\n\r\n$1\r\na\r\n$1\r\nb\r\n"),
    b"*1\r\n$0\r\n\r\n",
]

# ---- requests that end the connection ------------------------------------------------------------

CLOSING = [
    *("QUIT", "quit", b"QUIT\r\n", ["GET hoge", "QUIT", "GET a"], "QUIT x", ["MULTI", "QUIT"]),
    ["SUBSCRIBE a", "QUIT"],
    *(b"*x\r\n", b"*2147483648\r\n", b"*9223372036854775808\r\n", b"*1.5\r\n", b"*\r\n"),
    b"* 1\r\n",
    *(b"*1\r\n$-5\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$x\r\n", b"*1\r\n$2147483647\r\n"),
    b"*1\r\n$536870913\r\n",
    *(b"*1\r\n$\r\n", b"*1\r\n$ 4\r\nPING\r\n", b"*1\r\n$4.0\r\nPING\r\n"),
    b"*1\r\n$9223372036854775808\r\n",
    *(b"*1\r\nPING\r\n", b"*2\r\n$3\r\nGET\r\nhoge\r\n", b"*1\r\n:4\r\n"),
    b"*1\r\n*1\r\n$4\r\nPING\r\n",
    *(b"*1\r\n\r\n", b"*+1\r\n$4\r\nPING\r\n", b"*01\r\n$4\r\nPING\r\n", b"*1\r\n$04\r\nPING\r\n"),
    b"*1\r\n$+4\r\nPING\r\n",
    *(b'ECHO "abc\r\n', b"ECHO 'abc\r\n", b'ECHO "a"b\r\n', b"ECHO 'a'b\r\n", b'ECHO a"b\r\n'),
    b'"\r\n',
    *(b"x" * 70000, b"*" + b"1" * 70000, b"*1\r\n$" + b"1" * 70000),
    *(b"POST / HTTP/1.1\r\n\r\n", b"post / HTTP/1.1\r\n", b"Host: localhost\r\n"),
    *(b"*1\r\n$4\r\nPOST\r\n", b"*2\r\n$5\r\nHost:\r\n$1\r\nx\r\n"),
    *(["GET hoge", b"*1\r\n$x\r\n", "GET a"], ["MULTI", "GET hoge", b"*x\r\n"]),
    ["SUBSCRIBE a", b"*x\r\n"],
]


# ---- requests by chance --------------------------------------------------------------------------

# There are none.
SCRIPTING = {
    b"eval",
    b"evalsha",
    b"eval_ro",
    b"evalsha_ro",
    b"fcall",
    b"fcall_ro",
    b"function",
    b"script",
}

# What an argument may be, so that most requests mean something and some do not.
WORDS = [
    *("hoge", "a", "missing", "user:1", "one", "number", "empty", "bits", "lines", "many:07"),
    *("wide", "second"),
    *("name", "field", "age", "0", "1", "-1", "2", "10", "-3", "1.5", "x", "", "*", "h*", "h?ge"),
    "[a-z]*",
    *("9223372036854775807", "9223372036854775808", "BYTE", "BIT", "LEN", "IDX", "COUNT", "MATCH"),
    "WITHSCORES",
    *("LIMIT", "STREAMS", "$", "-", "+", "(1", "[a", "BYSCORE", "BYLEX", "REV", "km", "yes", "no"),
    *("on", "off"),
]
# Their replies depend on order, chance, time or the process, or they say more here than there.
NOT_BY_CHANCE = SCRIPTING | {
    *(b"acl", b"bgrewriteaof", b"bgsave", b"client", b"cluster", b"command", b"config", b"debug"),
    *(b"dump", b"exec", b"failover", b"getex", b"hello", b"hgetall", b"hkeys", b"hrandfield"),
    *(b"hscan", b"hvals", b"info", b"keys", b"lastsave", b"latency", b"lolwut", b"memory"),
    *(b"migrate", b"module", b"monitor", b"object", b"pfselftest", b"psync", b"pubsub", b"quit"),
    *(
        b"randomkey",
        b"readonly",
        b"readwrite",
        b"replconf",
        b"replicaof",
        b"role",
        b"save",
        b"scan",
    ),
    *(b"shutdown", b"slaveof", b"slowlog", b"sync", b"time", b"wait", b"xread"),
    # What follows their key is not looked at.
    *(b"geosearch", b"georadius_ro", b"georadiusbymember_ro", b"sort_ro"),
}


def cases_by_chance(dice, table, count):
    """`table`: redis' own, as name to (arity, flags, subcommands)."""
    names = sorted(name for name in table if name.encode() not in NOT_BY_CHANCE)
    often = [
        "get",
        "mget",
        "getrange",
        "hget",
        "hmget",
        "exists",
        "multi",
        "select",
        "watch",
        "discard",
    ]

    def request():
        name = dice.choice(often if dice.random() < 0.5 else names)
        arity = table[name][0]
        words = abs(arity) - 1 + (dice.choice((0, 0, 1, 2, 5)) if arity < 0 else 0)
        words = max(0, words + dice.choice((0,) * 20 + (-1, 1)))
        return (dice.choice((name, name.upper())), *dice.choices(WORDS, k=words))

    def case():
        requests = [request() for _ in range(dice.choice((1, 1, 2, 5)))]
        if dice.random() < 0.2:
            requests = [("MULTI",), *requests, ("EXEC",)]
        return requests

    found = {}
    while len(found) < count:
        made = case()
        found[repr(made)] = made
    return list(found.values())
