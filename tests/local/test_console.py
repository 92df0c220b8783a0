"""What the person at the terminal sees of a long step."""

from io import StringIO

from portal.local.console import Console


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_and_keeps_one_line_at_the_end() -> None:
    terminal = Terminal()
    with Console(terminal).bar("import 100 photos", 100) as tell:
        for done in (32, 64, 100):
            tell(done)
    assert "/100 [" in terminal.getvalue()
    last = terminal.getvalue().rpartition("\r")[2]
    assert last.startswith("  import 100 photos ")
    assert last.endswith(" s\n")


def test_a_log_is_told_each_tenth_once() -> None:
    log = StringIO()
    with Console(log).bar("import 100 photos", 100) as tell:
        for done in (5, 32, 33, 64, 100):
            tell(done)
    assert log.getvalue().startswith("  import 100 photos 30 % 60 % 100 % ")
    assert "\r" not in log.getvalue()
    assert len(log.getvalue().splitlines()) == 1
