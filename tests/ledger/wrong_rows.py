"""Rows that the database itself must refuse, one or more for every constraint it has.

A wrong row is a second one of its table with what is said here, so that one constraint only can be
its undoing.
"""

from tests.ledger.right_rows import FIRST, Row


def same(table: str, columns: str) -> tuple[str, Row]:
    """As the first row in these columns."""
    return table, {column: FIRST[table][column] for column in columns.split()}


TWICE = {
    "accounts_pkey": same("accounts", "gateway"),
    "api_tokens_pkey": same("api_tokens", "id"),
    "api_tokens_sha256_once": same("api_tokens", "sha256"),
    "attempt_invoices_pkey": same("attempt_invoices", "attempt_id position"),
    "attempts_order_once": same("attempts", "gateway account order_id"),
    "attempts_pkey": same("attempts", "id"),
    "attempts_session_once": same("attempts", "gateway account session"),
    "attention_open_once": same("attention", "kind subject"),
    "attention_pkey": same("attention", "id"),
    "clients_external_id_once": same("clients", "external_id"),
    "clients_number_once": same("clients", "number"),
    "clients_pkey": same("clients", "id"),
    "facts_once": same("facts", "gateway account reference move item"),
    "facts_pkey": same("facts", "id"),
    "hold_words_pkey": same("hold_words", "invoice_id payment_id"),
    "idempotency_keys_pkey": same("idempotency_keys", "caller key"),
    "inbox_binding_once": same("inbox", "gateway binding"),
    "inbox_event_once": same("inbox", "gateway account event_id"),
    "inbox_pkey": same("inbox", "id"),
    "intents_pkey": same("intents", "payment_id position"),
    "invoice_lines_pkey": same("invoice_lines", "invoice_id position"),
    "invoices_external_id_once": same("invoices", "external_id"),
    "invoices_number_once": same("invoices", "number"),
    "invoices_pkey": same("invoices", "id"),
    "journal_pkey": same("journal", "id"),
    "outbox_key_once": same("outbox", "key"),
    "outbox_pkey": same("outbox", "id"),
    "outbox_under_way_once": same("outbox", "effect subject destination"),
    "pay_links_once": same("pay_links", "client_id invoice_id"),
    "pay_links_pkey": same("pay_links", "id"),
    "pay_tokens_pkey": same("pay_tokens", "sha256"),
    "payment_names_pkey": same("payment_names", "gateway account name"),
    "payments_gateway_once": same("payments", "gateway account gateway_reference"),
    "payments_pkey": same("payments", "id"),
    "postings_pkey": same("postings", "id"),
    "postings_reverses_once": same("postings", "reverses act_id"),
    "refunds_item_once": same("refunds", "payment_id item"),
    "refunds_pkey": same("refunds", "id"),
    "reminders_once": same("reminders", "invoice_id step_days cycle"),
    "reminders_pkey": same("reminders", "id"),
    "seller_pkey": same("seller", "id"),
    "stops_pkey": same("stops", "what"),
    "tries_pkey": same("tries", "id"),
}

NOBODYS = {
    "attempt_invoices_attempt_fkey": ("attempt_invoices", {"attempt_id": "9"}),
    "attempt_invoices_invoice_fkey": ("attempt_invoices", {"invoice_id": "9"}),
    "attempts_link_fkey": ("attempts", {"link_id": "9"}),
    "attempts_invoice_fkey": ("attempts", {"invoice_id": "9"}),
    "hold_words_invoice_fkey": ("hold_words", {"invoice_id": "9"}),
    "hold_words_payment_fkey": ("hold_words", {"payment_id": "9"}),
    "invoice_lines_invoice_fkey": ("invoice_lines", {"invoice_id": "9"}),
    "invoices_client_fkey": ("invoices", {"client_id": "9"}),
    "pay_links_client_fkey": ("pay_links", {"client_id": "9"}),
    "pay_links_invoice_fkey": ("pay_links", {"invoice_id": "9"}),
    "pay_tokens_link_fkey": ("pay_tokens", {"link_id": "9"}),
    "refunds_payment_fkey": ("refunds", {"payment_id": "9"}),
    "reminders_invoice_fkey": ("reminders", {"invoice_id": "9"}),
}

_PART_PAID = {"paid_minor": "60", "credited_minor": "20", "written_off_minor": "10"}

SENSELESS: dict[str, tuple[str, *tuple[Row, ...]]] = {
    "attempts_amount_positive": ("attempts", {"amount_minor": "0"}),
    "attempts_state_known": ("attempts", {"state": "'lost'"}),
    "attention_kind_known": ("attention", {"kind": "'boredom'"}),
    "clients_reminder_policy_known": ("clients", {"reminder_policy": "'sometimes'"}),
    "clients_terms_positive": ("clients", {"terms_days": "-1"}, {"terms_days": "366"}),
    "facts_amount_positive": ("facts", {"amount_minor": "0"}),
    "facts_class_known": ("facts", {"class": "'gift'"}),
    "facts_move_known": ("facts", {"move": "'round'"}),
    "facts_status_known": ("facts", {"status": "'perhaps'"}),
    "idempotency_keys_key_length": (
        "idempotency_keys",
        {"key": "''"},
        {"key": "repeat('k', 256)"},
    ),
    "inbox_event_id_length": ("inbox", {"event_id": "''"}, {"event_id": "repeat('e', 256)"}),
    "inbox_raw_length": ("inbox", {"raw": "convert_to(repeat('x', 262145), 'UTF8')"}),
    "inbox_source_known": ("inbox", {"source": "'hearsay'"}),
    "inbox_state_known": ("inbox", {"state": "'lost'"}),
    "intents_amount_positive": ("intents", {"amount_minor": "0"}),
    "invoices_dates_sane": (
        "invoices",
        {"due_on": "'2026-11-19'"},
        {"due_on": "'2200-01-01'"},
    ),
    "invoices_issued_is_complete": (
        "invoices",
        {"number": "NULL"},
        {"issue_on": "NULL"},
        {"due_on": "NULL"},
    ),
    "invoices_never_overapplied": (
        "invoices",
        {"paid_minor": "101"},
        {"state": "'draft'", "paid_minor": "1"},
        {"state": "'void'", "paid_minor": "1"},
        {**_PART_PAID, "settled_before_minor": "11"},
    ),
    "invoices_parts_not_negative": (
        "invoices",
        {"paid_minor": "-1"},
        {"credited_minor": "-1"},
        {"written_off_minor": "-1"},
        {"settled_before_minor": "-1"},
    ),
    "invoices_state_known": ("invoices", {"state": "'lost'"}),
    "invoices_total_positive": ("invoices", {"total_minor": "0"}),
    "outbox_effect_known": ("outbox", {"effect": "'prayer'"}),
    "outbox_state_known": ("outbox", {"state": "'lost'"}),
    "payments_gateway_is_posted": ("payments", {"state": "'draft'"}),
    "payments_gateway_is_whole": (
        "payments",
        {"account": "NULL"},
        {"gateway": "NULL"},
        {"gateway_reference": "NULL"},
    ),
    "payments_never_below_zero": (
        "payments",
        {"amount_minor": "-1"},
        {"unapplied_minor": "-1"},
        {"unidentified_minor": "-1"},
    ),
    "payments_reserved_never_below_zero": ("payments", {"reserved_minor": "-1"}),
    "payments_returns_not_negative": ("payments", {"returned_minor": "-1"}, {"lost_minor": "-1"}),
    "payments_state_known": (
        "payments",
        {
            "state": "'lost'",
            "gateway": "NULL",
            "account": "NULL",
            "gateway_reference": "NULL",
        },
    ),
    "postings_account_known": ("postings", {"source": "'pocket'"}, {"destination": "'pocket'"}),
    "postings_amount_positive": ("postings", {"amount_minor": "0"}),
    "postings_invoice_named": (
        "postings",
        {"invoice_id": "NULL"},
        {"source": "'invoice'", "destination": "'payment'", "invoice_id": "NULL"},
    ),
    "postings_kind_known": ("postings", {"kind": "'gift'"}),
    "postings_move_between_two": ("postings", {"source": "'invoice'"}),
    "postings_payment_named": (
        "postings",
        {"payment_id": "NULL"},
        {"source": "'invoice'", "destination": "'unidentified'", "payment_id": "NULL"},
    ),
    "refunds_amount_positive": ("refunds", {"amount_minor": "0"}),
    "refunds_closed_with_a_moment": (
        "refunds",
        {"state": "'done'"},
        {"closed_at": "'2026-11-20'"},
    ),
    "refunds_state_known": ("refunds", {"state": "'lost'"}),
    "reminders_state_known": ("reminders", {"state": "'lost'"}),
    "reminders_step_known": ("reminders", {"step_days": "8"}),
    "seller_is_one": ("seller", {"id": "2"}),
    "stops_what_known": ("stops", {"what": "'time'"}),
    "tries_alone_is_one": ("tries", {"inbox_ids": "'{1,2}'"}, {"inbox_ids": "'{}'"}),
}

# Columns of a unique key, through which a NULL would slip twice.
NEVER_NULL = """
api_tokens.sha256 attempts.account attempts.gateway attempts.order_id attention.kind
attention.subject facts.account facts.gateway facts.item facts.move facts.reference inbox.account
inbox.event_id inbox.gateway outbox.destination outbox.effect outbox.key outbox.subject
pay_links.client_id postings.act_id refunds.payment_id reminders.cycle reminders.invoice_id
reminders.step_days
""".split()

# What a trigger refuses, whoever asks.
FORBIDDEN = {
    "journal_append_only": ("UPDATE journal SET reason = 'x'", "DELETE FROM journal"),
    "journal_never_truncated": ("TRUNCATE journal",),
    "postings_append_only": ("UPDATE postings SET amount_minor = 1", "DELETE FROM postings"),
    "postings_never_truncated": ("TRUNCATE postings",),
}
