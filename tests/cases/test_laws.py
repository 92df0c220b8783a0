from portal.cases import laws
from portal.policies import statutes


def test_it_names_every_law_as_the_table_does() -> None:
    assert {code: str(title) for code, title in laws.TITLES.items()} == {
        code: statute.title for code, statute in statutes.ALL.items()
    }
