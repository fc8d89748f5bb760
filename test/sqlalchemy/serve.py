"""serve.py FILE LIBRARY: runs the Python that sqlalchemy.test sends.

Reads a script up to a line with a single dot, runs it, prints what it prints
and a line with a single dot.  The names of models.py, FILE as `path` and
LIBRARY as `library` are known, and whatever earlier scripts have set.
"""

import sys
import textwrap
import traceback

sys.dont_write_bytecode = True
import models  # noqa: E402

names = dict(vars(models), path=sys.argv[1], library=sys.argv[2])
script = ""
for line in sys.stdin:
    if line != ".\n":
        script += line
        continue
    try:
        exec(textwrap.dedent(script), names)
    except Exception:
        traceback.print_exc(limit=-1, file=sys.stdout)
    print(".", flush=True)
    script = ""
