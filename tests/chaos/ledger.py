"""Files of JSON lines that several threads write and that a kill of anything else leaves whole."""

import json
import threading
import time
from collections import Counter
from pathlib import Path


class Ledger:
    def __init__(self, file: Path):
        self._file = file.open("w", buffering=1)
        self._lock = threading.Lock()
        self.count = 0

    def add(self, **facts) -> None:
        with self._lock:
            self._file.write(json.dumps({"time": round(time.time(), 3), **facts}) + "\n")
            self.count += 1

    def close(self) -> None:
        self._file.close()


class FaultLedger(Ledger):
    """Also counts them by name, for the figures."""

    def __init__(self, file: Path):
        super().__init__(file)
        self.by_name: Counter = Counter()

    def add(self, **facts) -> None:
        super().add(**facts)
        with self._lock:
            self.by_name[facts["fault"]] += 1
