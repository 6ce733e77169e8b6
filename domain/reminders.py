"""When an overdue invoice is chased: +7, +14 and +30 local days after its due day."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

STEPS_DAYS = (7, 14, 30)
_SENT_FROM = time(9)


def due_at(due_on: date, step_days: int, zone: ZoneInfo) -> datetime:
    """The instant a step is due: nine in the morning, local time, that many days after the due day.

    Days are counted on the calendar and converted last, so a change of the clock moves nothing.
    """
    assert step_days in STEPS_DAYS
    return datetime.combine(due_on + timedelta(days=step_days), _SENT_FROM, zone)
