// SPDX-License-Identifier: BSD-3-Clause
// The record layer of an established TLS session (RFC 8446 §5, RFC 5246 §6.2, RFC 5288, RFC 7905):
// records in, application data out, and the other way. It goes on where a handshake has ended, from
// what secrets.h hands over; what the protocol wants besides data (KeyUpdate, session tickets,
// alerts, a wish to negotiate anew) is digested and answered in here.
//
//   record_length()   how much record_open() wants to see
//   record_open()     one record -> application data, or what else it meant
//   record_seal()     application data -> records
//   record_update()   keys anew, before their time
//   record_close(), record_fail()   close_notify, or an alert of our own
//
// Callers: the worker, fedload, tests. Thread: that of the record_crypto. No allocation, no I/O.
//
// Order is everything: what these functions write must be sent exactly in the order in which they
// wrote it and at most once, or the peer refuses it, so it goes to a send buffer at once. That
// buffer holds ciphertext: a retransmission sends the same bytes again and asks nothing of here.
// Who cannot queue what was sealed must give the session up.

#pragma once

#include "lib/base/reason.h"
#include "lib/base/view.h"
#include "lib/record/alert.h"
#include "lib/record/session.h"

#define RECORD_HEADER_BYTES 5
#define RECORD_TAG_BYTES    16
// Application data in one record.
#define RECORD_TEXT_BYTES_MAX 16384
// A record, at most, either way: header, explicit nonce, text, tag. RFC 5246 and RFC 8446 allow
// ciphertext to be longer, but none of these suites makes it so without too long a text.
#define RECORD_BYTES_MAX (RECORD_HEADER_BYTES + 8 + RECORD_TEXT_BYTES_MAX + RECORD_TAG_BYTES)
// What record_open() writes plaintext to: text, and content type or padding behind it.
#define RECORD_OPEN_BYTES (RECORD_TEXT_BYTES_MAX + 1)
// An alert or a KeyUpdate.
#define RECORD_ANSWER_BYTES 32
// What each record adds to its text at most, and what a KeyUpdate adds that is due.
#define RECORD_OVERHEAD_MAX (RECORD_HEADER_BYTES + 8 + RECORD_TAG_BYTES)
// Records in a row that bring no application data: more are an attempt to keep us busy.
#define RECORD_BARREN_MAX 64
// A KeyUpdate costs as much as 50 short records. What data records pay for one that we did not ask
// for, and how much of it a peer may owe us: 31 of them in a row.
#define RECORD_UPDATE_PRICE    8
#define RECORD_UPDATE_DEBT_MAX 255

// secrets: checked here; stay the caller's, to be wiped. 0, -EINVAL, or -EIO where the provider
// fails.
int record_session_begin(struct record_session *s, struct record_crypto *c,
	const struct record_secrets *secrets, enum record_role role);
// Wipes it, here and among the expanded keys. Also for one that is all zero: nothing happens.
void record_session_end(struct record_session *s, struct record_crypto *c);

// Brings the key near that the next record is opened with, ahead of record_open(). The session
// itself should be: record_session_prefetch().
void record_open_prefetch(const struct record_session *s, const struct record_crypto *c);

// start: the first bytes received and not yet opened. How many bytes record_open() wants to see:
// a whole record; 0 while fewer than RECORD_HEADER_BYTES are there. A header that no record can
// have asks for no more than itself: record_open() refuses it.
size_t record_length(const struct record_session *s, struct view start);

enum record_kind {
	RECORD_TEXT,        // application data, maybe empty
	RECORD_DIGESTED,    // no data; maybe an answer
	RECORD_PEER_CLOSED, // close_notify: the peer has said all that it had to say
	RECORD_PEER_FAILED, // the peer's fatal alert; the session has failed
	RECORD_REFUSED,     // what came breaks a rule; the session has failed, and answer says so
	RECORD_IGNORED,     // came after the end, and is nothing
};

struct record_opened {
	enum record_kind kind;
	// REASON_none with data and what was digested.
	enum reason reason;
	// The fatal alert that came, or that is in answer; else RECORD_ALERT_NONE.
	uint8_t alert;
	// To be sent, now: a KeyUpdate or an alert. 0: nothing.
	uint8_t n_answer;
	uint8_t answer[RECORD_ANSWER_BYTES];
	struct view text; // in out
};

// Opens one record of record_length() bytes, which lie in n_parts pieces, none of them empty.
// out: apart from the record, as much room as that has bytes; RECORD_OPEN_BYTES are always enough.
// What of a record that is refused came there is zero: no byte is shown that was not authenticated.
void record_open(struct record_session *s, struct record_crypto *c, const struct view parts[],
	unsigned n_parts, uint8_t *out, struct record_opened *opened);

// Bytes that record_seal() will write for n_text bytes of text now: records of at most
// RECORD_TEXT_BYTES_MAX, and the KeyUpdates that become due. No text: no records.
size_t record_sealed_bytes(
	const struct record_session *s, const struct record_crypto *c, size_t n_text);

// Seals n_parts of text, one after the other, as application data. out: room for
// record_sealed_bytes() in one piece, apart from the text. Bytes written; 0 without text, or where
// the session is not allowed to send (any more): closed by us, failed, key used up (TLS 1.2).
size_t record_seal(struct record_session *s, struct record_crypto *c, const struct view parts[],
	unsigned n_parts, uint8_t *out);

// The same for text that already lies in out, without a copy: n_text ≤ RECORD_TEXT_BYTES_MAX bytes
// at out + record_headroom(). Ask for the headroom anew each time: a KeyUpdate that is due goes in
// front. Room: record_sealed_bytes().
size_t record_headroom(const struct record_session *s, const struct record_crypto *c);
size_t record_seal_in_place(
	struct record_session *s, struct record_crypto *c, uint8_t *out, size_t n_text);

// TLS 1.3: a KeyUpdate (RFC 8446 §4.6.3) that is not due, and the next keys. BOTH: the peer is
// asked for its own too, unless it owes us one. A peer may limit how many it takes, as we do. Bytes
// written; 0 where the session cannot, or may not send (any more).
enum record_update {
	RECORD_UPDATE_OURS,
	RECORD_UPDATE_BOTH,
};
size_t record_update(struct record_session *s, struct record_crypto *c, enum record_update which,
	uint8_t out[RECORD_ANSWER_BYTES]);

// close_notify: nothing more from us. Bytes written to out; 0 where we have closed or failed
// before.
size_t record_close(
	struct record_session *s, struct record_crypto *c, uint8_t out[RECORD_ANSWER_BYTES]);
// A fatal alert of our own, of which the peer learns why. Bytes written; 0 as above.
size_t record_fail(struct record_session *s, struct record_crypto *c, enum record_alert alert,
	uint8_t out[RECORD_ANSWER_BYTES]);

// A TLS 1.2 session cannot change its keys: after key_records in either direction it should give
// way to a new connection, in its own time; after one and a half times as many soon; after twice as
// many nothing is sealed or opened. TLS 1.3 goes on for ever.
enum record_wear {
	RECORD_FRESH,
	RECORD_WORN,
	RECORD_SPENT,
};
enum record_wear record_wear(const struct record_session *s, const struct record_crypto *c);

// Whether an end of the stream, now, is the peer's will and no truncation.
static inline bool record_peer_has_closed(const struct record_session *s)
{
	return s->state == RECORD_STATE_PEER_CLOSED || s->state == RECORD_STATE_CLOSED;
}
