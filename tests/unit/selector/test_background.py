from importlib.resources import files


def test_the_table_of_frequencies_holds_words_and_pairs_the_most_frequent_first() -> None:
    comment, *lines = files("newsletter.selector").joinpath("background.txt").read_text("utf-8").splitlines()
    table = {term: int(share) for term, _, share in (line.partition("\t") for line in lines)}

    assert comment.startswith("# document frequency in ")
    assert "CC0" in comment
    assert len(table) == len(lines) > 10_000
    assert list(table.values()) == sorted(table.values(), reverse=True)
    assert all(5 <= share < 10_000 and len(term.split(" ")) <= 2 for term, share in table.items())
    assert table["model"] > table["magnetic"] > table["magnetic field"] > table["quiver"]
