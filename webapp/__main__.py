"""`python -m webapp`: the `prompt-repo` command, which Ctrl-C ends quietly also as it starts."""

from webapp.interrupts import plain_ending

with plain_ending():
    from webapp.cli import main

main(prog_name="prompt-repo")
