import pytest

from newsletter.errors import TokenError
from newsletter.tokens import Purpose, Tokens, new_secret

TOKENS = Tokens("secret")


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_token_opens_what_it_was_signed_for_and_nothing_else(purpose: Purpose) -> None:
    token = TOKENS.sign(purpose, 7, "2025-W12")

    assert TOKENS.read(purpose, token) == (7, "2025-W12")
    for other in set(Purpose) - {purpose}:
        with pytest.raises(TokenError):
            TOKENS.read(other, token)


@pytest.mark.parametrize("forged", ["", "x", "WzFd.x", "é", "a" * 10_000])
def test_a_forged_token_opens_nothing(forged: str) -> None:
    with pytest.raises(TokenError):
        TOKENS.read(Purpose.UNSUBSCRIBE, forged)


def test_another_secret_opens_nothing() -> None:
    with pytest.raises(TokenError):
        Tokens(new_secret()).read(Purpose.VIEW, TOKENS.sign(Purpose.VIEW, 1))


def test_a_token_is_safe_in_an_address_and_always_the_same() -> None:
    token = TOKENS.sign(Purpose.VIEW, 123456, "2025-W12")

    assert token == TOKENS.sign(Purpose.VIEW, 123456, "2025-W12")
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@pytest.mark.parametrize("more", [(), ("2025-W12",)])
def test_a_personal_token_holds_its_epoch_and_an_old_one_is_of_the_first(more: tuple[str, ...]) -> None:
    old, new = TOKENS.sign(Purpose.VIEW, 7, *more), TOKENS.sign_personal(Purpose.VIEW, 7, 3, *more)

    assert TOKENS.sign_personal(Purpose.VIEW, 7, 0, *more) == old
    assert TOKENS.read_personal(Purpose.VIEW, old, len(more)) == (7, 0, more)
    assert TOKENS.read_personal(Purpose.VIEW, new, len(more)) == (7, 3, more)


@pytest.mark.parametrize("values", [(), ("x",), (7, "x"), (7, 1, 2)])
def test_a_personal_token_of_another_shape_is_refused(values: tuple[int | str, ...]) -> None:
    with pytest.raises(TokenError):
        TOKENS.read_personal(Purpose.INTERESTS, TOKENS.sign(Purpose.INTERESTS, *values))


def test_a_message_id_is_the_same_for_the_same_delivery_only() -> None:
    first = TOKENS.message_id("2025-W12", 1, "example.org")

    assert first == TOKENS.message_id("2025-W12", 1, "example.org")
    assert first != TOKENS.message_id("2025-W12", 2, "example.org")
    assert first != TOKENS.message_id("2025-W13", 1, "example.org")
