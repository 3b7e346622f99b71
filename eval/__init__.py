"""Questions x configurations -> runs -> measures -> one screen, on the terminal and on a page.

Always `from eval.x import y`: `import eval` would hide the builtin. Nothing imports this package but cli.py and app.py.
"""

from pathlib import Path

# Where runs are kept, and the archives and vectors made for them.
RUNS = Path("runs")
ENCODINGS = RUNS / "encodings"
