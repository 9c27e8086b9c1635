#!/usr/bin/env python3
"""Who gets in and who does not: keys, clusters, addresses, and bytes from strangers.

usage: trust_test.py TROUPE [PART-OF-A-NAME]     TROUPE_SEED: of the random bytes (1)"""
import os
import random

from support import Tests, address_of, check, contains, equal, eventually, send_bytes

test = Tests()
SEED = int(os.environ.get("TROUPE_SEED", "1"))
MESSAGES = 60  # of random bytes, to each port
BYTES_MAX = 20_000

SMALL = """apiVersion: troupe/v1
kind: Job
metadata: {name: small}
dataflow:
  one: {op: values, with: {rows: [{a: 1}, {a: 2}]}}
  show: {op: print, from: one}
"""


def coordinator(site, *words):
    return site.node("a", "--bind", "tcp://127.0.0.1:0", "--port", "0", "--lease", "1s", *words)


def executor(site, name, a, *words):
    return site.node(name, "--roles", "executor", "--bind", "tcp://127.0.0.2:0", "--lease", "1s",
                     "--coordinator", f"a={a.endpoint}", *words)


def live(a):
    return {one["id"] for one in a.get("/api/v1/nodes")["nodes"] if one["state"] == "live"}


def works(site, a):
    """The node still does what it is there for."""
    job = site.write("small.yaml", SMALL)
    site.call("apply", job, "--run", "--wait", "--address", a.gateway.split("//")[1],
              "--token-file", a.token_file).expect(0)


@test
def a_key_that_is_not_on_the_list_does_not_get_in(site):
    """b knows a, but a does not know b: both say whose key is missing; `keys allow` mends it."""
    public = {name: site.call("keys", "new", "--keys", f"{name}/keys", "-q").expect(0).out.strip()
              for name in "ab"}
    site.call("keys", "allow", "a", public["a"], "--keys", "b/keys").expect(0)
    a = coordinator(site).start()
    b = executor(site, "b", a).launch()
    eventually(lambda: a.metric("troupe_keys_refused_total"), "a refused key is counted")
    contains(eventually(lambda: "key" in a.log() and a.log(), "a says it"), public["b"][:12],
             "a's log names the key")
    equal(live(a), {"a"}, "live nodes")
    works(site, a)
    b.kill()
    site.call("keys", "allow", "b", public["b"], "--keys", "a/keys").expect(0)
    b = executor(site, "b", a).start()
    eventually(lambda: live(a) == {"a", "b"}, "b is in once it is on the list")
    site.call("keys", "revoke", "b", "--keys", "a/keys").expect(0)
    eventually(lambda: live(a) == {"a"}, "b is out once it is revoked")
    works(site, a)


@test
def a_key_of_another_node_does_not_get_in(site):
    """c has a good key, and says that it is b: it is an impostor, and the real b works on."""
    site.keys("a", "b", "c")
    a = coordinator(site).start()
    executor(site, "b", a).start()
    eventually(lambda: live(a) == {"a", "b"}, "b is in")
    liar = executor(site, "b", a, "--data", "c/data", "--keys", "c/keys")
    liar.log_path = site.path / "liar.log"
    # The last --data and --keys would be refused as repeated: it gets a command of its own.
    command = liar.command()
    for option, value in (("--data", "c/data"), ("--keys", "c/keys")):
        first = command.index(option)
        del command[first:first + 2]
        equal(command[command.index(option) + 1], value, option)
    liar.command = lambda: command
    liar.launch()
    eventually(lambda: a.metric("troupe_frames_refused_total"), "the impostor is counted")
    equal(live(a), {"a", "b"}, "live nodes")
    works(site, a)


@test
def nodes_of_another_cluster_are_refused_by_name(site):
    """The keys are right, the cluster is not: the message has both names."""
    site.keys("a", "b")
    a = coordinator(site, "--cluster", "north").start()
    b = executor(site, "b", a, "--cluster", "south").launch()
    said = eventually(lambda: "north" in b.log() and b.log(), "b says why")
    contains(said, "south", "both names")
    equal(live(a), {"a"}, "live nodes")
    works(site, a)


@test
def beyond_loopback_a_node_needs_keys(site):
    """0.0.0.0 without keys does not start, and says what to do; loopback makes its own; with keys
    it starts anywhere."""
    for bind in ("tcp://0.0.0.0:0", "tcp://*:0", "tcp://192.0.2.1:7401"):
        done = site.call("node", "--name", "x", "--data", "x/data", "--bind", bind, "--port", "0",
                         patience=20)
        check(done.code not in (0, 70), f"{bind} without keys answered {done.code}")
        contains(done.err, "keys", "what is missing")
        contains(done.err, "troupe keys new", "what to do")
    node = site.node("l", "--bind", "tcp://127.0.0.2:0", "--port", "0").start()
    works(site, node)
    site.call("keys", "new", "--keys", "w/keys").expect(0)
    wide = site.node("w", "--bind", "tcp://0.0.0.0:0", "--advertise", "tcp://127.0.0.1:1", "--port",
                     "0").start()
    works(site, wide)


@test
def a_key_file_that_others_can_read_is_not_used(site):
    """Mode 0644 of the secret key: the node does not start, and names the file."""
    site.keys("a", "b")
    os.chmod(site.path / "a/keys/node.key", 0o644)
    done = site.call("node", "--name", "a", "--data", "a/data", "--keys", "a/keys", "--bind",
                     "tcp://127.0.0.1:0", "--port", "0", patience=20)
    check(done.code != 0, "it started")
    contains(done.err, "node.key", "the file")


@test
def random_bytes_do_nothing_but_count(site):
    """Bytes from a seed on the port of nodes and on the gateway's: raw, after a ZMTP greeting, as
    HTTP requests. The node goes on, its counters rise, no link breaks."""
    site.keys("a", "b")
    a = coordinator(site).start()
    b = executor(site, "b", a).start()
    eventually(lambda: live(a) == {"a", "b"}, "both are in")
    dice = random.Random(SEED)
    before = a.metric("troupe_connections_total"), a.metric("troupe_gateway_malformed")
    curve = b"\xff" + bytes(8) + b"\x7f\x03\x00CURVE" + bytes(15) + b"\x00" + bytes(31)
    metrics_of_b = address_of(b.metrics_url.removesuffix("/metrics"))
    for port in (address_of(a.endpoint), address_of(b.endpoint), address_of(a.gateway),
                 metrics_of_b):
        for i in range(MESSAGES):
            noise = dice.randbytes(dice.randrange(1, BYTES_MAX))
            start = (b"", curve, b"POST /api/v1/runs HTTP/1.1\r\nContent-Length: 999999999999\r\n")
            send_bytes(port, start[i % 3] + noise)
    check(a.alive() and b.alive(), f"a node has ended (seed {SEED})")
    after = a.metric("troupe_connections_total"), a.metric("troupe_gateway_malformed")
    check(after[0] >= before[0] + MESSAGES / 2, f"strange connections counted: {before} {after}")
    check(after[1] >= before[1] + MESSAGES / 2, f"malformed requests counted: {before} {after}")
    check(b.metric("troupe_gateway_malformed") >= MESSAGES / 2, "those to b's metrics as well")
    equal(live(a), {"a", "b"}, "live nodes")
    works(site, a)


@test
def the_gateway_stays_on_loopback(site):
    """Its port is not reachable by another address of this machine."""
    import socket
    node = site.node("g", "--bind", "tcp://127.0.0.1:0", "--port", "0").start()
    host, port = address_of(node.gateway)
    equal(host, "127.0.0.1", "its address")
    stranger = socket.socket()
    stranger.settimeout(2)
    check(stranger.connect_ex(("127.0.0.2", port)) != 0, "reached by another address")
    stranger.close()


test.main()
