"""All benchmarks, one after the other."""
import subprocess
import sys
from pathlib import Path


HERE = Path(__file__).parent


def main():
    for name in ('pages.py', 'lane.py', 'store.py'):
        print(f'== {name}', flush=True)
        subprocess.run([sys.executable, HERE / name], check=True)


if __name__ == '__main__':
    main()
