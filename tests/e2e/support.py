"""What the end-to-end tests share: a list of tests, the troupe binary, nodes as processes, HTTP.

Tests start only processes of their own, in a temporary directory that goes with them, and know the
binary as its users do: by its command line, its HTTP API, its files and its signals."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
from postgres import server as postgres_server  # noqa: E402
FLIGHTS = ROOT / "examples" / "flights"
# How many times slower than usual this build is (a sanitizer's): so much wider are bounds of time.
SLOWNESS = float(os.environ.get("TROUPE_SLOWNESS", "1"))
START_S = 20 * SLOWNESS  # a node that is not ready by then has failed


class Failure(Exception):
    """What a test claimed does not hold."""


def check(holds, said):
    if not holds:
        raise Failure(said)


def equal(got, want, about):
    check(got == want, f"{about}: got {got!r}, not {want!r}")


def contains(text, part, about):
    check(part in text, f"{about}: no {part!r} in\n{text}")


def eventually(ask, about, patience=20.0, every=0.05):
    """Asks again until the answer is true, and returns it."""
    end = time.monotonic() + patience
    while True:
        answer = ask()
        if answer:
            return answer
        check(time.monotonic() < end, f"not within {patience:.0f} s: {about}")
        time.sleep(every)


def need(variable, what):
    value = os.environ.get(variable)
    if not value:
        sys.exit(f"{variable} is not set: it names {what}; ./test sets it")
    return value


class Tests:
    """Runs functions in the order they were added; each opens with the sentence that it claims."""

    def __init__(self):
        self.tests = []

    def __call__(self, function):
        self.tests.append(function)
        return function

    def main(self):
        only = sys.argv[2] if len(sys.argv) > 2 else ""
        passed = failed = 0
        for test in self.tests:
            if only not in test.__name__:
                continue
            start = time.monotonic()
            try:
                with Site() as site:
                    test(site)
                passed += 1
                print(f"ok   {test.__name__} {time.monotonic() - start:.1f} s", flush=True)
            except Exception as failure:
                failed += 1
                told = str(failure) if isinstance(failure, Failure) else traceback.format_exc()
                print(f"FAIL {test.__name__}: {test.__doc__}\n{told}", flush=True)
        print(f"{passed} passed, {failed} failed")
        sys.exit(1 if failed or not passed else 0)


class Done:
    """How a call of the binary ended."""

    def __init__(self, command, process):
        self.command = " ".join(command[1:])
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    def expect(self, code):
        check(self.code == code, f"`troupe {self.command}` answered {self.code}, not {code}\n"
              f"stdout: {self.out}\nstderr: {self.err}")
        return self

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError:
            raise Failure(f"`troupe {self.command}` did not print JSON alone:\n{self.out}")


class Site:
    """A temporary directory, the binary in it, and the nodes that run there."""

    def __init__(self):
        self.troupe = str(pathlib.Path(sys.argv[1]).resolve())
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="troupe-e2e-"))
        self.nodes = []
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
        self.environment["XDG_STATE_HOME"] = str(self.path / "state")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for node in self.nodes:
            node.end()
        if isinstance(error, Exception):
            for node in self.nodes:
                said = node.log()
                if said:
                    print(f"-- {node.name} said:\n{said[-4000:]}", flush=True)
        shutil.rmtree(self.path, ignore_errors=True)

    def call(self, *words, text=None, patience=120):
        command = [self.troupe, *map(str, words)]
        done = subprocess.run(command, input=text, capture_output=True, text=True, errors="replace", cwd=self.path,
                              env=self.environment, timeout=patience)
        return Done(command, done)

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def keys(self, *names):
        """A directory of keys for each, all of which admit each other."""
        public = {name: self.call("keys", "new", "--keys", f"{name}/keys", "-q").expect(0).out.strip()
                  for name in names}
        for name in names:
            for other in names:
                if other != name:
                    self.call("keys", "allow", other, public[other], "--keys", f"{name}/keys",
                              "-q").expect(0)
        return public

    def node(self, name, *words):
        """A node of this site; `start` starts it."""
        node = NodeProcess(self, name, [*map(str, words)])
        self.nodes.append(node)
        return node


class NodeProcess:
    """`troupe node` as a process: it may be killed, frozen, and started again at its address."""

    def __init__(self, site, name, words):
        self.site = site
        self.name = name
        self.words = words
        self.process = None
        self.endpoint = self.gateway = self.metrics_url = None
        self.log_path = site.path / f"{name}.log"

    def command(self):
        words = list(self.words)
        if self.endpoint:
            words[words.index("--bind") + 1] = self.endpoint
        if self.gateway:
            words[words.index("--port") + 1] = self.gateway.rsplit(":", 1)[1]
        return [self.site.troupe, "node", "--name", self.name, "--data", f"{self.name}/data",
                "--keys", f"{self.name}/keys", "-o", "jsonl", "--log-level", "info", *words]

    def launch(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=log,
                                            cwd=self.site.path, env=self.site.environment, text=True)
        return self

    def start(self):
        return self.launch().ready()

    def ready(self):
        """Waits until it is, and learns its addresses."""
        line = self.process.stdout.readline()
        check(line, f"the node {self.name} did not start:\n{self.log()}")
        about = json.loads(line)
        self.endpoint = about.get("endpoint")
        self.gateway = about.get("gateway")
        self.metrics_url = about.get("metrics")
        self.token_file = about.get("token_file")
        return self

    def token(self):
        return (self.site.path / self.token_file).read_text().strip()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def wait(self, patience=20):
        return self.process.wait(patience)

    def end(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def alive(self):
        return self.process.poll() is None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def http(self, path, body=None, token=True, method=None):
        """(status, body) of one request to this node's HTTP server."""
        base = self.metrics_url.removesuffix("/metrics")
        request = urllib.request.Request(base + path, method=method)
        if token is not None:
            request.add_header("Authorization", f"Bearer {self.token() if token is True else token}")
        if body is not None:
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def get(self, path):
        status, body = self.http(path)
        check(status == 200, f"GET {path} answered {status}: {body}")
        return json.loads(body)

    def metric(self, name, label=""):
        """The sum of a metric over its labels, or over the rows that have this one; None where
        there is no such row."""
        text = self.http("/metrics")[1]
        rows = [line.rsplit(" ", 1)[1] for line in text.splitlines()
                if line.startswith((name + " ", name + "{")) and label in line]
        return sum(map(float, rows)) if rows else None


def address_of(endpoint):
    host, port = endpoint.split("://")[1].rsplit(":", 1)
    return host, int(port)


def send_bytes(address, data):
    """Speaks to a port as a stranger does; it may hang up on us at any moment."""
    try:
        with socket.create_connection(address, timeout=5) as stream:
            stream.sendall(data)
            stream.shutdown(socket.SHUT_WR)
            stream.settimeout(0.2)
            stream.recv(1 << 16)
    except OSError:
        pass
