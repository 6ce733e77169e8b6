"""Every barrier between a mistake and the books: what the database guards, what is locked, and
the steps of our code that stand between a forged, repeated or lost report and money.

The first two kinds are found in the code. The third is the list below: it has what is a barrier by
its meaning, and grows with it.
"""

from pathlib import Path

from tests.mutation import catalog, locks, patching

_HOW = (
    "`.venv/bin/python -m tests.mutation renew` writes those of constraints, triggers and locks;"
    " then name the test that must catch it"
)

LOGIC = {
    "signature_compared": "a delivery is believed only when one of our keys signed it",
    "signature_not_too_old": "a signature older than five minutes is not believed",
    "signature_not_too_new": "a signature from more than five minutes ahead is not believed",
    "secret_demanded": "no door opens without a secret",
    "paypal_signature_compared": "a delivery is believed only when PayPal's key signed it",
    "paypal_not_too_old": "a transmission older than four days is not believed",
    "paypal_not_too_new": "a transmission from minutes ahead is not believed",
    "paypal_algorithm": "a signature is of the one algorithm that is believed",
    "netopia_algorithm": "a token does not choose how it is checked",
    "netopia_signature_compared": "a notice is believed only when NETOPIA's key signed it",
    "netopia_issuer": "a token is of NETOPIA itself",
    "netopia_audience": "a token is for our own point of sale",
    "netopia_hash": "a token vouches for one body, to the byte",
    "netopia_not_too_old": "a token older than seven days is not believed",
    "netopia_order_answered": "an answer is about the order that was asked about",
    "mobilpay_address_verified": "an address of MobilPay's is one that we made",
    "mobilpay_bare_address_closed": "without a secret MobilPay's address is closed",
    "mobilpay_point_of_sale": "a notice is of our own point of sale",
    "mobilpay_old_cipher_off": "the old cipher is believed only where it is switched on",
    "mobilpay_claim_looked_for": "without a secret only what we asked for is taken",
    "mobilpay_address_vouches": "an address vouches for its own order, amount and currency alone",
    "mobilpay_code_read": "an action with an error is no money",
    "mobilpay_elements_alone": "a notice has elements and nothing else in it",
    "mobilpay_one_notice": "a notice can be read in one way only",
    "mobilpay_refund_stands_once": "a nameless refund of another instant is shown",
    "paypal_no_bars": "a signed message can be taken apart in one way only",
    "paypal_address": "nobody is called for a key but PayPal's own hosts",
    "paypal_chain": "a certificate is believed when somebody we believe vouches for it",
    "paypal_name": "a certificate is PayPal's own",
    "paypal_valid_now": "a certificate vouches while it is valid",
    "paypal_simulator": "no door opens for what anybody can have signed",
    "paypal_merchant": "an event of another merchant moves no money of ours",
    "paypal_refund_link": "a refund's capture is named by a link of PayPal's alone",
    "key_bounded": "a key has an end",
    "key_no_redirect": "a key comes from the address that was allowed",
    "key_silence": "a host that gave no key is left alone for a while",
    "differs_refused": "of two bodies under one transmission the second is refused",
    "differs_shown": "two bodies under one transmission are shown to a person",
    "hint_parked": "what a signature does not bind waits for an answer",
    "hint_not_woken_by_name": "a hint waits for an answer, whatever names are known",
    "hint_takes_lease": "an answer older than a hint does not cover it",
    "capture_request_id": "an order is captured under one request",
    "capture_window": "a capture is not repeated once its request is forgotten",
    "capture_taken_back": "an approval that comes while another ends is not lost",
    "stop_settling_captures": "while settling is stopped nothing is captured",
    "strict_json_no_twins": "a body that says one thing twice has no meaning",
    "other_mode_ignored": "a test event moves no live money",
    "other_account_ignored": "an event of another account moves no money of ours",
    "lookup_not_from_outside": "no delivery can pass for an answer that we asked for",
    "hash_compared": "another body under a kept name is no duplicate",
    "keep_on_conflict": "a repeated delivery meets its row",
    "bad_row_alone": "one bad delivery fails no other",
    "body_bounded": "a body has an end",
    "intake_rows_bounded": "the door is full at some number of waiters",
    "intake_bytes_bounded": "the door is full at some weight of bodies",
    "intake_deadline": "every waiter has an answer in time",
    "flusher_survives": "no failure ends the flusher",
    "passes_over_fresh": "no worker waits for a new row in other hands",
    "passes_over_few": "no worker waits for a failed batch in other hands",
    "passes_over_suspect": "no worker waits for a tried row in other hands",
    "passes_over_nudge": "the sweep waits for nobody's row",
    "passes_over_parked": "who wakes waits for nobody's row",
    "passes_over_hints": "who closes hints waits for nobody's row",
    "passes_over_unplanned": "who plans reminders waits for nobody's invoice",
    "passes_over_letter": "no letter waits for another one's invoice",
    "nudges_bounded": "a broker that is away fills no memory",
    "account_stays": "an installation books one account's money",
    "account_on_claim": "nobody books one owner's money as another's",
    "stop_settling_fresh": "while settling is stopped no new row is claimed",
    "stop_settling_nudge": "while settling is stopped nobody is nudged",
    "stop_settling_few": "while settling is stopped no failed batch is claimed",
    "stop_settling_suspect": "while settling is stopped no tried row is claimed",
    "stop_settling_lookups": "while settling is stopped nobody is asked",
    "stop_settling_letters": "no letter goes out while nothing is settled",
    "stop_letters_written": "while letters are stopped none is written",
    "stop_letters_claimed": "while letters are stopped none is sent",
    "tries_aside": "a try outlives the death of its worker",
    "tries_alone": "a row that was tried is settled alone",
    "tries_used_up": "a row is tried five times, then a person looks",
    "tries_pause": "a row that failed waits before it is tried again",
    "busy_costs_no_try": "a busy world is nobody's fault",
    "sweep_nudges": "what a lost message left behind is found",
    "sweep_finds_late_invoices": "money that named a later invoice finds it",
    "sweep_wakes_parked": "an event whose waker died is woken all the same",
    "wake_parked": "an event waits for its name no longer than the name",
    "facts_join_by_rank": "a late word does not undo a better one",
    "facts_in_one_currency": "money that moved did not move in two currencies",
    "receipt_is_a_difference": "what is received already is not received again",
    "freed_credit_applied_again": "money freed by a refund is applied before anything is judged",
    "return_looks_twice": "a refund and a payment that meet leave no money idle",
    "act_looks_twice": "an act and a payment that meet leave no money idle",
    "payment_names_confirmed": "two batches never give one name two meanings",
    "word_over_reports": "what a person said of a payment no report undoes",
    "hold_of_what_went_back": "nobody is chased for what went back before a person's word",
    "hold_lifted": "what a person was shown is closed when the money is here again",
    "money_waiting_written": "no letter is written to one whose money lies here",
    "money_waiting_claimed": "no letter is sent to one whose money lies here",
    "letters_wait_for_received": "nobody is chased while a report is not settled",
    "letters_wait_for_unclear": "nobody is chased while a report waits for a person",
    "letters_watermark": "no letter is written before what was reported is settled",
    "letter_judged_again": "a letter is judged anew when it is sent",
    "letter_fresh": "a letter leaves soon after it was judged, or is judged anew",
    "outbox_lease_offered": "an errand in somebody's hands is not offered",
    "outbox_lease_taken": "of two hands that reach for an errand one gets it",
    "outbox_fence_closed": "a hand that was late closes nothing",
    "outbox_fence_put_off": "a hand that was late puts nothing off",
    "outbox_oldest_first": "of one subject only the oldest errand is done",
    "outbox_key": "the same errand is put once",
    "rehearsal_rolled_back": "a rehearsal changes nothing",
    "idempotency_key": "what was asked for twice under one key is done once",
    "idempotency_key_other": "a key stands for one request",
    "token_asked": "nobody enters without a token",
    "token_revoked": "a revoked token opens nothing",
    "reason_asked": "nobody lowers what is owed without saying why",
    "reason_asked_void": "nobody takes an invoice back without saying why",
    "link_fate_asked": "a link that was taken back or has expired begins nothing",
    "link_part_asked": "a part is paid only where the link takes it",
    "link_pays_once": "money on its way is not asked for twice",
    "link_closed_by_money": "what money closes can be paid nowhere any more",
    "link_closed_by_people": "what a person closes can be paid nowhere any more",
    "capture_wanted": "what is paid otherwise, or owed no more, is not taken",
    "capture_may_be_taken": "a capture whose answer was lost is kept though nobody owes it now",
    "capture_tried_in_vain": "what was tried in vain and is paid otherwise is not tried again",
    "refund_reserved_not_applied": "what is promised back pays nothing",
    "refund_reserved_not_moved": "what is promised back stays where it is applied",
    "refund_reserved_once": "what is promised back is not promised again",
    "refund_same_key": "a refund has one key, however often it is sent",
    "refund_once_where_forgotten": "where a call is not known again, it is made once",
    "refund_doubted": "a refund whose answer cannot be read may have gone",
    "refund_ends_by_fact": "the gateway's fact ends what was reserved",
    "link_same_attempt": "many clicks are one attempt",
    "link_key_kept": "an attempt has one key, whoever goes on with it",
    "link_form_framed": "no answer of a hosted link is cached, framed or referred to",
}


def barriers(root: Path, dsn: str) -> dict[str, str]:
    """Every barrier and what it demands, clause or meaning; `dsn` is a migrated database."""
    return {
        **catalog.guards(dsn),
        **{f"lock.{lock.name}": lock.clause.rstrip("(") for lock in locks.locks(root)},
        **{f"logic.{name}": meaning for name, meaning in LOGIC.items()},
    }


def unmatched(root: Path, dsn: str) -> list[str]:
    """Barriers without a patch, and patches without a barrier."""
    wanted, patches = barriers(root, dsn).keys(), patching.all_patches().keys()
    return [
        *(f"{name} has no patch: {_HOW}" for name in sorted(wanted - patches)),
        *(
            f"{name}.patch takes away what is no barrier any more: delete it"
            for name in sorted(patches - wanted)
        ),
    ]
