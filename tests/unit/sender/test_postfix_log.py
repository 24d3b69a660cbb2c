"""What Postfix's log says that it took."""

import pytest

from newsletter.errors import InputError
from newsletter.sender.postfix_log import queued_message_ids

HOST = "Nov 25 19:00:00 mx"


def named(queue_id: str, message_id: str, program: str = "postfix") -> str:
    return f"{HOST} {program}/cleanup[12]: {queue_id}: message-id={message_id}"


def queued(queue_id: str, program: str = "postfix") -> str:
    return f"{HOST} {program}/qmgr[9]: {queue_id}: from=<b@x.example>, size=512, nrcpt=1 (queue active)"


def test_only_what_the_queue_manager_had_was_accepted() -> None:
    log = [named("4A1", "<ada@x>"), named("4A2", "<bob@x>"), queued("4A1")]

    assert queued_message_ids(log) == {"<ada@x>"}


@pytest.mark.parametrize("program", ["postfix", "postfix-out", "postfix/submission", "mx-out"])
def test_programs_may_have_other_names(program: str) -> None:
    assert queued_message_ids([named("4A1", "<ada@x>", program), queued("4A1", program)]) == {"<ada@x>"}


@pytest.mark.parametrize("name", ["", "?", "<bob@x>"])
def test_a_queue_id_that_comes_again_is_another_mail(name: str) -> None:
    log = [named("4A1", "<ada@x>"), named("4A1", name), queued("4A1")]

    assert "<ada@x>" not in queued_message_ids(log)


@pytest.mark.parametrize("log", [[], ["nothing here"], ["\x1f\ufffd\x08packed"], [named("4A1", "<ada@x>")]])
def test_another_file_is_not_taken_for_a_log_without_our_mails(log: list[str]) -> None:
    with pytest.raises(InputError):
        queued_message_ids(log)
