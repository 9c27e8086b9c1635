"""The engines of a comparison. Each runs a case as a whole process, or warm, again and again, in one
process that reads its input anew every time."""
import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import tempfile
import time
import urllib.parse

import measure

HERE = pathlib.Path(__file__).resolve().parent


class Troupe:
    name = "troupe"

    def __init__(self, binary):
        self.binary = binary
        self.state = tempfile.TemporaryDirectory(prefix="troupe-bench-")
        self.env = {**os.environ, "XDG_STATE_HOME": self.state.name}
        self.log = pathlib.Path(self.state.name) / "node.log"
        self.version = subprocess.check_output([binary, "--version"], text=True).strip()
        self.node = None

    def command(self, case, data, out):
        command = [self.binary, "run", str(descriptor(case)), "--quiet"]
        for name, value in parameters(case, data, out).items():
            command += ["-p", f"{name}={value}"]
        return command

    def start(self):
        self.node = subprocess.Popen([self.binary, "dev", "--port", "0", "-o", "json"], text=True,
                                     env=self.env, stdout=subprocess.PIPE,
                                     stderr=self.log.open("w"))
        text = ""
        for line in self.node.stdout:
            text += line
            if line.startswith("}"):
                break
        about = json.loads(text)
        # One connection for all questions: a client that opens one each time takes a good part of a
        # core from what it measures.
        self.http = http.client.HTTPConnection(urllib.parse.urlsplit(about["gateway"]).netloc)
        self.token = pathlib.Path(about["token_file"]).read_text().strip()

    def ask(self, path, body=None):
        try:
            self.http.request("POST" if body else "GET", "/api/v1" + path,
                              json.dumps(body) if body else None,
                              {"Authorization": f"Bearer {self.token}"})
            answer = self.http.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise SystemExit(f"the node does not answer: {error}; exit code {self.node.poll()}\n"
                             + self.log.read_text()[-2000:])
        if answer.status >= 300:
            raise SystemExit(f"{path}: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text)

    def run_warm(self, case, data, out):
        """From the POST of the descriptor to the answer that says SUCCEEDED, as a client sees it."""
        return self.run_text(case, descriptor(case).read_text(), parameters(case, data, out))

    def run_text(self, case, text, params):
        body = {"descriptor": text, "params": params}
        start = time.monotonic()
        run = self.ask("/runs", body)["run"]
        view = self.ask(f"/runs/{run}/end")
        while view["state"] not in ("SUCCEEDED", "FAILED", "CANCELLED"):
            view = self.ask(f"/runs/{run}/end")  # a wait has an end of its own
        seconds = time.monotonic() - start
        if view["state"] != "SUCCEEDED":
            raise SystemExit(f"{case}: {view['state']}: {view.get('error')}")
        return seconds

    def pid(self):
        return self.node.pid

    def stop(self):
        self.http.close()
        self.node.terminate()
        self.node.wait()
        self.node = None


class Peer:
    def __init__(self, name, program, python):
        self.name = name
        self.program = [python, str(HERE / "peers" / program)]
        self.env = dict(os.environ)
        self.version = subprocess.check_output(self.program + ["--version"], text=True).strip()
        self.process = None

    def command(self, case, data, out):
        return self.program + [case, data, out]

    def start(self):
        self.process = subprocess.Popen(self.program + ["--serve"], text=True, env=self.env,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)

    def run_warm(self, case, data, out):
        self.process.stdin.write(json.dumps([case, data, out]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name} ended at {case}: {' '.join(self.command(case, data, out))}")
        return json.loads(answer)

    def pid(self):
        return self.process.pid

    def stop(self):
        pids = list(measure.tree(self.process.pid))
        self.process.stdin.close()
        self.process.wait()
        for pid in pids[1:]:  # a JVM ends alone, and would be counted with whatever runs next
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def descriptor(case):
    if case == "flights":
        return HERE.parent / "examples" / "flights" / "flights.yaml"
    tpch = HERE / "jobs" / "tpch" / f"{case}.yaml"
    return tpch if tpch.exists() else HERE / "jobs" / f"{case}.yaml"


def parameters(case, data, out):
    return {} if case == "trivial" else {"data": data, "out": out}
