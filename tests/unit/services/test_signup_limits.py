import pytest

from newsletter.config import SignupSection
from newsletter.errors import TooManySignUps
from newsletter.services.signup_limits import SignupLimits, mailbox_of, network_of


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("Ada+news@Example.org", "ada@example.org"),
        ("a.d.a+x+y@gmail.com", "ada@gmail.com"),
        ("ada@GoogleMail.com", "ada@gmail.com"),
        ("a.da@proton.me", "ada@proton.me"),
        ("a.da@example.org", "a.da@example.org"),
        ("+@example.org", "+@example.org"),
    ],
)
def test_addresses_of_one_mailbox_are_one(address: str, mailbox: str) -> None:
    assert mailbox_of(address) == mailbox


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("198.51.100.77", "198.51.100.0/24"),
        ("::ffff:198.51.100.77", "198.51.100.0/24"),
        ("2001:db8:1:2ff:a::1", "2001:db8:1:200::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("/run/proxy.sock", ""),
        ("", ""),
    ],
)
def test_clients_of_one_network_are_one(client: str, network: str) -> None:
    assert network_of(client) == network


def test_a_mailbox_that_had_enough_uses_up_nobody_elses_room() -> None:
    limits = SignupLimits(SignupSection(mailbox="1/h", domain="2/h"))

    asked = [limits.admit("", f"ada+{n}@x.example") for n in range(5)]

    assert asked == [True, False, False, False, False]
    assert limits.admit("", "bob@x.example")
    with pytest.raises(TooManySignUps):
        limits.admit("", "cyd@x.example")


def test_of_several_limits_each_holds() -> None:
    limits = SignupLimits(SignupSection(network="5/m; 3/d"))

    with pytest.raises(TooManySignUps):
        [limits.admit("192.0.2.1", f"v{n}@a{n}.example") for n in range(4)]


def test_no_limit_is_no_limit() -> None:
    limits = SignupLimits(SignupSection(network="", mailbox="", domain="", total=""))

    assert all(limits.admit("192.0.2.1", "ada@x.example") for _ in range(500))
