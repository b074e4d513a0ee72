"""`python -m tests.chaos`: one line of JSON on the standard output; ends with 1 when a promise was not kept."""

import json
import os
import signal
import sys

from tests.chaos import options
from tests.chaos.run import run, say
from tests.servers import ServerMissing


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # everything it started ends with it
    try:
        figures = run(options.read(os.environ))
    except (options.BadOption, ServerMissing) as error:
        say(str(error))
        return 2
    print(json.dumps(figures), flush=True)
    return 0 if figures["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
