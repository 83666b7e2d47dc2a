"""The programs import each other by their own names, as scripts do."""
import sys
from pathlib import Path


# At the end: it must hide no module of the standard library.
sys.path.append(str(Path(__file__).parent))
