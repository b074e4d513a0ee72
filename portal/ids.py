import secrets
import time
import uuid


def uuid7() -> uuid.UUID:
    """RFC 9562 §5.7: 48 bits of Unix milliseconds, then random bits. Sorts by time, tells nothing else.

    (Python has its own from 3.14.)
    """
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
