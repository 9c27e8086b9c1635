"""What every peer does alike: one case as a whole process, or many in a warm one.

usage: PEER.py CASE DATA OUT      runs one case
       PEER.py --serve            runs each case that a line of standard input names, as a JSON list
                                  [case, data, out], and answers with the seconds it took
       PEER.py --version"""
import json
import sys
import time


def serve(version, run, stop=lambda: None):
    """`run(case, data, out)` computes one case and writes its result below `out`."""
    if sys.argv[1] == "--version":
        print(version)
    elif sys.argv[1] == "--serve":
        for line in sys.stdin:
            start = time.monotonic()
            run(*json.loads(line))
            print(json.dumps(time.monotonic() - start), flush=True)
    else:
        run(*sys.argv[1:4])
    stop()
