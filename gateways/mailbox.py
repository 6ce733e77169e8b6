"""A mailbox folder: letters as `.eml` files, one per key, that any mail program opens."""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter with its addresses. The same `key` is the same letter, however often it is put."""

    key: str
    sender: str
    recipient: str
    subject: str
    text: str
    at: datetime


def put(folder: Path, mail: Mail) -> Path:
    """Writes the letter as one file, whole or not at all; putting it again changes nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    name = mail.key.replace(":", "-")
    target = folder / f"{name}.eml"
    unfinished = folder / f".{name}.part"
    unfinished.write_bytes(_message(mail).as_bytes(policy=SMTP))
    unfinished.replace(target)
    return target


def _message(mail: Mail) -> EmailMessage:
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.at)
    message["Message-ID"] = f"<{mail.key.replace(':', '.')}@incasso.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message
