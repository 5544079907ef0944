"""The agents' port over a real index: search, names, callers, files."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from tests.support.local_projects import index_folder, write_files

from riverrun.infra.database import open_async_engine
from riverrun.search.code_index import PostgresCodeIndex, dotted
from riverrun.search.search_service import AsyncSearchService, SearchService

FILES = {
    "shop/cart.py": '''"""A shopping cart."""


class Cart:
    """Holds what a customer wants to buy."""

    def add_item(self, name, price):
        """Put one item into the cart."""
        self.items.append((name, price))

    def total_price(self):
        """Sum up the prices, with the discount taken off."""
        return sum(price for _, price in self.items) - discount_for(self.items)


def discount_for(items):
    """Ten percent off from three items on."""
    return 0.1 * len(items) if len(items) > 2 else 0
''',
    "shop/checkout.py": """from shop.cart import Cart, discount_for


def pay(cart: Cart):
    if cart.total_price() <= 0:
        raise ValueError("the cart is empty")
    return discount_for(cart.items)
""",
    "tests/test_cart.py": "def test_total():\n    assert Cart().total_price() == 0\n",
    "web/app.js": "export class Router {\n  match(path) {\n    return this.routes.find((r) => r.path === path);\n  }\n}\n",
    "notes/Größe.md": "# Größe\n\nWie groß ein Paket sein darf.\n",
}
CRLF = b"first\r\nsecond\n\xff\xfe broken\nlast without end"


@pytest.fixture
def project_id(engine: Engine, tmp_path: Path) -> UUID:
    return index_folder(engine, write_files(tmp_path / "repo", FILES), tmp_path)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


@pytest.fixture
def index(session: Session, project_id: UUID) -> PostgresCodeIndex:
    return PostgresCodeIndex(session, [project_id])


def names(index: PostgresCodeIndex, query: str) -> list[str]:
    return [hit.name for hit in index.search(query)]


def test_a_question_in_plain_words_finds_the_definition_with_its_signature_and_docstring(
    index: PostgresCodeIndex,
) -> None:
    best = index.search("How are the prices in the cart summed up?")[0]
    assert best.name == "Cart.total_price"
    assert best.kind == "method"
    assert best.signature == "def total_price(self)"
    assert best.docstring == "Sum up the prices, with the discount taken off."
    place = best.location
    assert (place.repo, place.path, place.start_line, place.end_line) == ("repo", "shop/cart.py", 11, 13)
    assert place.commit is None
    assert len(place.blob) == 40


def test_what_is_only_described_is_found(index: PostgresCodeIndex) -> None:
    """A blueprint is a ``Router`` to some, and what is borrowed was taken at a ``checkout``. No synonym says so."""
    assert names(index, "blueprint")[0].startswith("Router")
    assert index.search("borrow")[0].location.path == "shop/checkout.py"


def test_other_words_for_the_same_thing_are_found(index: PostgresCodeIndex) -> None:
    assert names(index, "which exception follows when nothing is in the basket or cart")[0] == "pay"
    assert names(index, "endpoint lookup")[0].startswith("Router")


def test_any_language_is_searched(index: PostgresCodeIndex) -> None:
    assert index.search("Paket Größe")[0].location.path == "notes/Größe.md"


def test_a_path_alone_finds_all_of_its_file(index: PostgresCodeIndex) -> None:
    assert {hit.location.path for hit in index.search("web")} == {"web/app.js"}
    assert set(names(index, "cart")) >= {"discount_for", "pay"}


def test_a_question_about_nothing_here_finds_nothing(index: PostgresCodeIndex) -> None:
    assert index.search("quaternion") == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        "?!",
        "' OR 1=1 --",
        "a:* & !b | (c",
        "\\",
        "%_%",
        "\x00cart\x00",
        "\ud800",
        "cart" * 25_000,
        "x " * 50_000,
    ],
)
def test_any_text_is_a_legal_question(index: PostgresCodeIndex, query: str) -> None:
    assert isinstance(index.search(query), list)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(text=st.text())
def test_no_text_breaks_any_look_into_the_index(index: PostgresCodeIndex, text: str) -> None:
    index.search(text)
    index.find_symbol(text)
    index.callers(text)
    index.list_files(text)
    index.read_file(text)


def test_a_private_name_of_javascript_keeps_its_mark() -> None:
    assert (dotted("Composer.#update"), dotted("#update")) == ("Composer.#update", "#update")
    assert dotted("Cart#total_price()") == "Cart.total_price"


def found(index: PostgresCodeIndex, name: str) -> list[str]:
    return [hit.name for hit in index.find_symbol(name)]


def test_a_symbol_is_found_by_its_name_or_any_part_of_its_qualified_name(index: PostgresCodeIndex) -> None:
    assert found(index, "Cart") == ["Cart"]
    for name in (
        "total_price",
        "Cart.total_price",
        "shop.cart.Cart.total_price",
        "Cart::total_price",
        "Cart#total_price()",
    ):
        assert found(index, name) == ["Cart.total_price"]


def test_a_misspelt_symbol_is_found_by_similarity(index: PostgresCodeIndex) -> None:
    assert found(index, "totl_price")[0] == "Cart.total_price"
    assert found(index, "zzzzzz") == []


def test_a_name_under_an_unknown_class_falls_back_to_similar_names(index: PostgresCodeIndex) -> None:
    assert found(index, "Basket.total_price")[0] == "Cart.total_price"


def test_callers_are_listed_with_the_definition_they_stand_in(index: PostgresCodeIndex) -> None:
    sites = index.callers("Cart.total_price")
    assert [(site.location.path, site.location.start_line, site.caller) for site in sites] == [
        ("shop/checkout.py", 5, "pay"),
        ("tests/test_cart.py", 2, "test_total"),
    ]
    assert index.callers("nobody_calls_me") == []


def test_a_range_of_a_file_is_read_as_it_was_indexed(index: PostgresCodeIndex) -> None:
    excerpt = index.read_file("shop/cart.py", 16, 17)
    assert excerpt is not None
    assert (
        excerpt.text == FILES["shop/cart.py"].split("\n")[15] + "\n" + FILES["shop/cart.py"].split("\n")[16]
    )
    assert (excerpt.location.start_line, excerpt.location.end_line, excerpt.total_lines) == (16, 17, 18)


def test_a_range_is_clipped_to_the_file_and_none_of_it_is_nothing(index: PostgresCodeIndex) -> None:
    whole = index.read_file("./shop/checkout.py", -5, 1_000)
    assert whole is not None
    assert whole.text + "\n" == FILES["shop/checkout.py"]
    assert index.read_file("shop/checkout.py", 8) is None
    assert index.read_file("shop/checkout.py", 5, 4) is None
    assert index.read_file("shop/missing.py") is None
    assert index.read_file("../repo/shop/cart.py") is None


def test_broken_encoding_and_line_ends_keep_their_lines(
    engine: Engine, session: Session, tmp_path: Path
) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "odd.txt").write_bytes(b"x" * 200 + b"\n" + CRLF)
    index = PostgresCodeIndex(session, [index_folder(engine, tmp_path / "odd", tmp_path)])
    excerpt = index.read_file("odd.txt", 2)
    assert excerpt is not None
    assert excerpt.text.split("\n") == ["first\r", "second", "\ufffd\ufffd broken", "last without end"]


def test_files_are_listed_by_glob_in_order(index: PostgresCodeIndex) -> None:
    assert index.list_files() == sorted(FILES)
    assert index.list_files("*.py") == ["shop/cart.py", "shop/checkout.py", "tests/test_cart.py"]
    assert index.list_files("shop/") == ["shop/cart.py", "shop/checkout.py"]
    assert index.list_files("**", limit=1) == [min(FILES)]
    assert index.list_files("%") == []


def test_nothing_of_another_project_is_ever_seen(
    engine: Engine, session: Session, project_id: UUID, tmp_path: Path
) -> None:
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "secret.py").write_text("def total_price():\n    return canary()\n")
    foreign = index_folder(engine, tmp_path / "foreign", tmp_path)
    ours, theirs = PostgresCodeIndex(session, [project_id]), PostgresCodeIndex(session, [foreign])

    assert all(hit.location.repo == "repo" for hit in ours.search("total price canary"))
    assert {hit.location.repo for hit in ours.find_symbol("total_price")} == {"repo"}
    assert ours.callers("canary") == []
    assert ours.read_file("secret.py") is None
    assert "secret.py" not in ours.list_files()
    assert [hit.location.repo for hit in theirs.find_symbol("total_price")] == ["foreign"]
    both = PostgresCodeIndex(session, [project_id, foreign])
    assert {hit.location.repo for hit in both.search("total price")} == {"repo", "foreign"}
    nobody = PostgresCodeIndex(session, [])
    assert (nobody.search("total price"), nobody.find_symbol("Cart"), nobody.list_files()) == ([], [], [])


async def test_the_twins_find_the_same(database_url: str, session: Session, project_id: UUID) -> None:
    engine = open_async_engine(database_url)
    async with AsyncSession(engine) as async_session:
        for query in ("prices of the cart", "which error when empty", ""):
            found = SearchService(session).search_codebase([project_id], query)
            assert await AsyncSearchService(async_session).search_codebase([project_id], query) == found
    await engine.dispose()


def test_a_search_reads_what_its_own_project_holds_however_much_others_hold(
    engine: Engine, session: Session, project_id: UUID, tmp_path: Path
) -> None:
    foreign_id = index_folder(engine, write_files(tmp_path / "foreign", FILES), tmp_path)
    copies = text(
        "INSERT INTO chunks (project_id, file_id, name, kind, start_line, end_line, terms, lengths) "
        "SELECT project_id, file_id, name, kind, start_line, end_line, terms, lengths "
        "FROM chunks, generate_series(1, 5000) WHERE project_id = :id"
    )
    session.execute(copies, {"id": foreign_id})
    session.execute(text("ANALYZE chunks"))
    session.commit()
    assert 0 < chunks_read(session, project_id, "How are the prices in the cart summed up?") < 1_000


def test_a_word_that_every_chunk_holds_is_looked_for_in_the_names(
    engine: Engine, session: Session, tmp_path: Path
) -> None:
    root = tmp_path / "acme" / "acme"
    root.mkdir(parents=True)
    for number in range(1_200):
        (root / f"part{number}.py").write_text(f"def fun{number}():\n    return {number}\n", "utf-8")
    (root / "zz.py").write_text("class AcmeClient:\n    def acme(self):\n        return 0\n", "utf-8")
    index = PostgresCodeIndex(session, [index_folder(engine, tmp_path / "acme", tmp_path)])
    assert names(index, "Where is acme?")[:2] == ["AcmeClient.acme", "AcmeClient"]


def chunks_read(session: Session, project_id: UUID, question: str) -> int:
    """How many rows of chunks Postgres fetched for a search by its indexes, by its own count."""
    fetched = text(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'chunks'"
    )
    session.rollback()
    session.execute(
        text("SET LOCAL enable_seqscan = off")
    )  # A test's table is small enough to be read whole.
    assert SearchService(session).search_codebase([project_id], question)
    return int(session.scalar(fetched) or 0)
