// SPDX-License-Identifier: BSD-3-Clause
// What comes besides data on an established session: alerts (RFC 8446 §6, RFC 5246 §7.2), session
// tickets, of which we make no use, KeyUpdate (RFC 8446 §4.6), and the wish of a TLS 1.2 peer to
// negotiate anew, which is declined (RFC 5246 §7.2.2).

#include "lib/record/inner.h"
#include "lib/record/schedule.h"

// Handshake types (RFC 8446 §4, RFC 5246 §7.4).
#define HELLO_REQUEST      0
#define CLIENT_HELLO       1
#define NEW_SESSION_TICKET 4
#define KEY_UPDATE         24

// RFC 8446 §4.6.1: lifetime, age, nonce<0..255>, ticket<1..2^16-1>, extensions<0..2^16-2>.
#define TICKET_BYTES_MIN (4 + 4 + 1 + 2 + 1 + 2)
#define TICKET_BYTES_MAX (4 + 4 + 1 + 255 + 2 + 65535 + 2 + 65534)
// Our own bound: one more record than a client's fits into.
#define CLIENT_HELLO_BYTES_MAX 16384

static void peer_failed(struct record_session *s, uint8_t alert, struct record_opened *opened)
{
	record_session_step(s, RECORD_EVENT_FAIL);
	opened->kind = RECORD_PEER_FAILED;
	opened->reason = REASON_record_peer_alert;
	opened->alert = alert;
}

void record_digest_alert(struct record_session *s, struct record_crypto *c, struct view text,
	struct record_opened *opened)
{
	uint8_t level, alert;

	if (s->n_head > 0) {
		record_refuse(
			s, c, REASON_record_unexpected, RECORD_ALERT_unexpected_message, opened);
		return;
	}
	// RFC 8446 §5.1: neither fragmented nor several in one record.
	if (text.len != 2) {
		record_refuse(s, c, REASON_record_malformed, RECORD_ALERT_decode_error, opened);
		return;
	}
	level = text.at[0];
	alert = text.at[1];
	if (alert == RECORD_ALERT_close_notify) {
		record_session_step(s, RECORD_EVENT_PEER_CLOSE);
		opened->kind = RECORD_PEER_CLOSED;
		opened->reason = REASON_record_peer_closed;
	} else if (s->version == RECORD_TLS13) {
		// RFC 8446 §6: the level says nothing; user_canceled is followed by close_notify.
		if (alert != RECORD_ALERT_user_canceled)
			peer_failed(s, alert, opened);
	} else if (level == RECORD_FATAL) {
		peer_failed(s, alert, opened);
	} else if (level != RECORD_WARNING) {
		record_refuse(
			s, c, REASON_record_malformed, RECORD_ALERT_illegal_parameter, opened);
	}
}

// REASON_none, or why a message of this type and length may not come, and the alert for it.
static enum reason check_message(
	const struct record_session *s, uint8_t type, uint32_t n, enum record_alert *alert)
{
	bool tls13 = s->version == RECORD_TLS13, client = s->role == RECORD_OPENED;
	bool expected = false, fits = false;

	if (type == NEW_SESSION_TICKET) {
		expected = tls13 && client;
		fits = n >= TICKET_BYTES_MIN && n <= TICKET_BYTES_MAX;
	} else if (type == KEY_UPDATE) {
		expected = tls13;
		fits = n == 1;
	} else if (type == HELLO_REQUEST) {
		expected = !tls13 && client;
		fits = n == 0;
	} else if (type == CLIENT_HELLO) {
		expected = !tls13 && !client;
		fits = n <= CLIENT_HELLO_BYTES_MAX;
	}
	*alert = expected ? RECORD_ALERT_decode_error : RECORD_ALERT_unexpected_message;
	if (!expected)
		return REASON_record_unexpected;
	return fits ? REASON_none : REASON_record_malformed;
}

// The peer's next record comes under new keys. It is answered where it asks, but not again before
// we have sent data under the keys of the last answer: they protect nothing yet that newer ones
// would protect better, and what a peer can make us do is bounded (RFC 8446 §4.6.3).
static void update_keys(struct record_session *s, struct record_crypto *c, bool wants_ours,
	struct record_opened *opened)
{
	if (!record_keys_update(c, (enum record_suite)s->suite, s->receive_traffic, &s->receive)) {
		record_refuse(
			s, c, REASON_record_crypto_failed, RECORD_ALERT_internal_error, opened);
		return;
	}
	s->asked = false;
	if (!wants_ours || s->answered || !record_state_sends((enum record_state)s->state))
		return;
	opened->n_answer = (uint8_t)record_seal_key_update(s, c, false, opened->answer);
	s->answered = true;
	if (opened->n_answer == 0)
		record_refuse(
			s, c, REASON_record_crypto_failed, RECORD_ALERT_internal_error, opened);
}

// Takes what there is of a body. Whether it is whole. last: its last byte so far.
static bool take_body(struct record_session *s, struct view *text, uint8_t *last)
{
	size_t n = text->len < s->n_body ? text->len : s->n_body;

	if (n > 0)
		*last = text->at[n - 1];
	text->at += n;
	text->len -= n;
	s->n_body -= (uint32_t)n;
	return s->n_body == 0;
}

static bool take_head(struct record_session *s, struct view *text)
{
	while (s->n_head < sizeof(s->head) && text->len > 0) {
		s->head[s->n_head++] = text->at[0];
		text->at++;
		text->len--;
	}
	return s->n_head == sizeof(s->head);
}

// Whether a KeyUpdate may come so soon after others. Keys that are to serve fewer records, in
// tests, are cheaper, or our own kind could not talk to us.
static bool take_debt(struct record_session *s, const struct record_crypto *c)
{
	unsigned price = c->key_records < RECORD_UPDATE_PRICE ? (unsigned)c->key_records
							      : RECORD_UPDATE_PRICE;

	if (s->asked)
		return true;
	if (s->update_debt + price > RECORD_UPDATE_DEBT_MAX)
		return false;
	s->update_debt = (uint8_t)(s->update_debt + price);
	return true;
}

static void finish_key_update(struct record_session *s, struct record_crypto *c, uint8_t value,
	bool ends_record, struct record_opened *opened)
{
	// RFC 8446 §5.1: nothing of this record may belong to the next keys.
	if (!ends_record)
		record_refuse(
			s, c, REASON_record_unexpected, RECORD_ALERT_unexpected_message, opened);
	else if (value > 1)
		record_refuse(
			s, c, REASON_record_malformed, RECORD_ALERT_illegal_parameter, opened);
	else if (!take_debt(s, c))
		record_refuse(s, c, REASON_record_barren, RECORD_ALERT_unexpected_message, opened);
	else
		update_keys(s, c, value == 1, opened);
}

// Reads a header as far as it is there, and checks it when it is whole.
static void begin_message(struct record_session *s, struct record_crypto *c, struct view *text,
	struct record_opened *opened)
{
	enum record_alert alert;
	enum reason reason;

	if (!take_head(s, text))
		return;
	s->n_body = (uint32_t)s->head[1] << 16 | (uint32_t)s->head[2] << 8 | s->head[3];
	reason = check_message(s, s->head[0], s->n_body, &alert);
	if (reason != REASON_none)
		record_refuse(s, c, reason, alert, opened);
}

// True where a wish to negotiate anew was among the messages.
static bool take_messages(struct record_session *s, struct record_crypto *c, struct view text,
	struct record_opened *opened)
{
	bool wishes = false;
	uint8_t last = 0;

	while (text.len > 0 && opened->kind == RECORD_DIGESTED) {
		if (s->n_head < sizeof(s->head))
			begin_message(s, c, &text, opened);
		if (opened->kind != RECORD_DIGESTED || s->n_head < sizeof(s->head) ||
			!take_body(s, &text, &last))
			continue;
		s->n_head = 0;
		if (s->head[0] == KEY_UPDATE)
			finish_key_update(s, c, last, text.len == 0, opened);
		wishes |= s->head[0] == HELLO_REQUEST || s->head[0] == CLIENT_HELLO;
	}
	return wishes;
}

void record_digest_handshake(struct record_session *s, struct record_crypto *c, struct view text,
	struct record_opened *opened)
{
	// Declined when the whole record has been read: what is sealed must also be sent, and there
	// is one answer.
	if (take_messages(s, c, text, opened) && opened->kind == RECORD_DIGESTED &&
		record_state_sends((enum record_state)s->state))
		opened->n_answer = (uint8_t)record_seal_alert(
			s, c, RECORD_WARNING, RECORD_ALERT_no_renegotiation, opened->answer);
}
