"""Questions x configurations -> runs -> measures -> one screen.

Always `from eval.x import y`: `import eval` would hide the builtin. Nothing imports this package but cli.py.
"""
