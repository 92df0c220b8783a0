"""`make run`: the portal on this machine, until Ctrl-C."""

import argparse
import os
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from portal.local import variables
from portal.local.console import Console
from portal.local.stack import PROJECT, Stack, StackError

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    for number in ENDING:
        signal.signal(number, end)
    console = Console()
    try:
        with chosen_stack(console) as stack:
            describe(stack, console)
            stack.watch()
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        console.line("  Stopped")
    return 0


def end(_number: int, _frame: FrameType | None) -> None:
    """Begin to stop; a second Ctrl-C must not leave half of it running."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    sys.stdout.write("\n  Stopping\n")
    raise KeyboardInterrupt


def chosen_stack(console: Console) -> Stack:
    environment = {**variables.read_file(PROJECT / ".env"), **variables.chosen(os.environ)}
    demo = is_demo(environment)
    parser = argparse.ArgumentParser(prog="make run", description="The portal on this machine, until Ctrl-C.")
    parser.add_argument("--folder", type=Path, default=usual_folder(environment, demo=demo), help="where its data lie")
    parser.add_argument("--port", type=port, default=environment.get("PORT", "8000"), help="0 takes a free one")
    options = parser.parse_args()
    return Stack(options.folder, port=options.port, demo=demo, env=environment, console=console)


def is_demo(environment: Mapping[str, str]) -> bool:
    """Whoever names a real database does not want invented people in it, unless they say so."""
    usual = "0" if environment.get("DATABASE_URL") else "1"
    return environment.get("DEMO", usual).lower() in {"1", "true", "yes", "on"}


def usual_folder(environment: Mapping[str, str], *, demo: bool) -> Path:
    """An index holds the embeddings of one pack, so each pack has a demo world of its own."""
    pack = environment.get("PACK", "dlib")
    if not demo or pack == "dlib":
        return PROJECT / "var"
    return PROJECT / "var" / f"demo-{re.sub(r'[^A-Za-z0-9_-]', '', Path(pack).name)}"


def port(text: str) -> int:
    if text.isdigit() and int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a port")


def describe(stack: Stack, console: Console) -> None:
    say = console.line
    say(f"\n  The portal is ready: {stack.url}\n")
    pack = stack.pack
    say(f"  Face pack {pack['name']}, licence: {pack['licence']}")
    say(f"  {pack['limits']}\n")
    if not stack.demo:
        return
    for account in stack.world["accounts"]:
        page = stack.url + urlsplit(account["url"]).path  # the port may have been another then
        say(f"  {account['role']:<10} {account['name']:<8} password {account['password']}   {page}")
    say("\n  Four things to try")
    say(f"  1. Ask for a deletion at {stack.url} with the selfie {stack.world['selfie']};")
    say(f"     the code comes to the demo mailbox, {stack.url}/en/mailbox/")
    say("  2. Sign in as staff, look at the redacted evidence and approve what is certain")
    say("  3. Sign in as the regulator and watch the numbers change")
    say("  4. Put your own photos in, search them and see it delete them: in another terminal")
    say("     `./manage.py harvest DIR`, then as in 1, with another photo of somebody in them")
    say("\n  Ctrl-C stops everything.\n")


if __name__ == "__main__":
    sys.exit(main())
