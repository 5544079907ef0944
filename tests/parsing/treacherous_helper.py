"""A parse helper whose grammar does what hostile files make grammars do: it crashes, hangs or eats all memory.

The words stand in the file's source. Everything else is the real helper.
"""

import os
import signal
import time
from pathlib import Path

from riverrun.parsing import file_rows, parse_helper
from riverrun.parsing.languages import Language
from riverrun.parsing.symbols import Extraction, extract


def treacherous_extract(language: Language, source: bytes) -> Extraction:
    if b"crash always" in source:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"crash once: " in source:
        marker = Path(source.split(b"crash once: ")[1].split(b"\n")[0].decode())
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if b"hang" in source:
        time.sleep(3_600)
    if b"eat memory" in source:
        bytearray(8 * 1024**3)
    return extract(language, source)


file_rows.extract = treacherous_extract
parse_helper.main()
