"""The programs import each other as programs do: by their own names."""
import sys
from pathlib import Path


# At the end: no module of Python's own is to be hidden.
sys.path.append(str(Path(__file__).parent))
