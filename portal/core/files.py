"""What makes files outlive a power cut."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Bring the names in it to the disk; a file that was synced may still lose its own without this."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
