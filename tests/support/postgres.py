#!/usr/bin/env python3
"""A PostgreSQL 15 of our own: Debian's `initdb` and `postgres`, as a user without rights, on a socket in
a temporary directory that goes with it. It syncs what it commits, so that it may be killed.

usage: postgres.py run COMMAND...     runs a command beside a fresh server, and ends with its code
       postgres.py ACTION FOLDER      does to a running one: start, stop, kill, freeze or thaw

A command that `run` starts finds the server's URL in TROUPE_POSTGRES_URL, its folder in
TROUPE_POSTGRES, and this file in TROUPE_POSTGRES_TOOL."""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BINARIES = pathlib.Path("/usr/lib/postgresql/15/bin")
USER = "troupe"
DATABASE = "postgres"
PATIENCE_S = 60


def run_as():
    """What `subprocess` is told so that a server runs at all: it refuses to be root's."""
    if os.getuid() != 0:
        return {}
    owner = pwd.getpwnam("postgres")
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


class Postgres:
    """A server by the folder that holds its data and its socket. Whoever has the folder may stop and
    start it, in this process or in another one."""

    def __init__(self, folder, sync=True):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.url = f"postgres://{USER}@/{DATABASE}?host={self.folder}"
        self.sync = sync
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        self.common = {"cwd": folder, "env": environment, "stdin": subprocess.DEVNULL,
                       "stdout": subprocess.DEVNULL, **run_as()}

    def make(self):
        if not (BINARIES / "initdb").exists():
            sys.exit(f"no PostgreSQL 15 in {BINARIES}; ./test installs it")
        if as_user := run_as():
            os.chown(self.folder, as_user["user"], as_user["group"])
        subprocess.run([BINARIES / "initdb", "-D", self.data, "-U", USER, "--auth=trust", "--no-sync",
                        "--encoding=UTF8", "--locale=C.UTF-8"], check=True, **self.common)
        return self

    def start(self):
        """Returns when it answers: after a kill, when it has recovered."""
        if not self.processes():
            # One that was killed may be a zombie still, which a new one would take for a running server.
            for lock in (self.data / "postmaster.pid", self.folder / ".s.PGSQL.5432.lock"):
                lock.unlink(missing_ok=True)
        with open(self.folder / "log", "ab") as log:
            subprocess.Popen([BINARIES / "postgres", "-D", self.data, "-k", self.folder,
                              "-c", f"fsync={'on' if self.sync else 'off'}", "-c", "listen_addresses=",
                              "-c", "recovery_init_sync_method=syncfs", "-c", "log_min_messages=warning"],
                             stderr=log, start_new_session=True, **self.common)
        until(self.answers, f"PostgreSQL answers; {self.folder}/log says why not")
        return self

    def answers(self):
        asked = subprocess.run([BINARIES / "pg_isready", "-q", "-U", USER, "-h", self.folder], check=False, **self.common)
        return asked.returncode == 0

    def stop(self):
        """In order, and at once: whoever is connected is told so and cut off."""
        self.end(signal.SIGINT)

    def kill(self):
        """All of its processes at once, as if the power went."""
        gone(self.signal(signal.SIGKILL))

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def signal(self, number):
        """To all of its processes; those of clients come and go."""
        for pid in (processes := self.processes()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return processes

    def admit(self, user, password):
        """The URL of a further user, whom the server asks for that password."""
        (self.data / "pg_hba.conf").write_text(f"local all {user} scram-sha-256\nlocal all all trust\n")
        self.lines(f"CREATE ROLE {user} LOGIN PASSWORD '{password}' IN ROLE {USER}; SELECT pg_reload_conf()")
        return self.url.replace(f"{USER}@", f"{user}@")

    def restart(self):
        self.stop()
        return self.start()

    def end(self, number):
        if processes := self.processes():
            os.kill(processes[0], number)
        gone(processes)

    def processes(self):
        """The first one, then those that it has started."""
        try:
            first = int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return []
        if not alive(first):
            return []
        asked = subprocess.run(["ps", "-o", "pid=", "--ppid", str(first)], capture_output=True, text=True,
                               check=False)
        return [first, *map(int, asked.stdout.split())]

    def lines(self, sql):
        """What psql answers, line for line; columns have a tab between them, and NULL is nothing."""
        asked = subprocess.run([BINARIES / "psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", self.folder,
                                "-U", USER, DATABASE], input=sql, text=True, capture_output=True, check=False)
        if asked.returncode != 0:
            raise RuntimeError(f"psql: {asked.stderr}")
        return asked.stdout.splitlines()

    def rows(self, sql):
        return [line.split("\t") for line in self.lines(sql)]


def alive(pid):
    """True for a process that runs; one that has ended and whom nobody has asked does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(processes):
    until(lambda: not any(map(alive, processes)), "PostgreSQL has ended")


def until(holds, what):
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {PATIENCE_S} s: {what}")
        time.sleep(0.02)


@contextlib.contextmanager
def server(sync=True):
    """A fresh server that runs until the end of the block."""
    folder = tempfile.mkdtemp(prefix="troupe-pg-")
    postgres = Postgres(folder, sync)
    try:
        yield postgres.make().start()
    finally:
        postgres.thaw()
        postgres.end(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def main(words):
    if words[:1] == ["run"] and len(words) > 1:
        with server() as postgres:
            told = {"TROUPE_POSTGRES_URL": postgres.url, "TROUPE_POSTGRES": str(postgres.folder),
                    "TROUPE_POSTGRES_TOOL": str(pathlib.Path(__file__).resolve())}
            return subprocess.run(words[1:], env={**os.environ, **told}, check=False).returncode
    if len(words) == 2 and words[0] in ("start", "stop", "kill", "freeze", "thaw"):
        getattr(Postgres(words[1]), words[0])()
        return 0
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
