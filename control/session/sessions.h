// SPDX-License-Identifier: BSD-3-Clause
// The sessions of all workers as control knows them: those under handshake, whose records come over
// the rings and whose answers go back, and the established ones with the identity cards of their
// peers.
//
//   worker                    here                         pool of handshakes
//   SESSION_OPENED      ->    admit(), begin()       ->
//   SESSION_BYTES ...   ->    a whole record: step() ->
//   SESSION_SEND ...    <-    sessions_take()        <-    what the step made of it
//   SESSION_CONSUMED    <-
//   CARD_ADD, SESSION_ESTABLISHED, or SESSION_CLOSE  <-
//   SESSION_ENDED       ->
//
// A worker shows one record and no more until that is consumed, so at most one step of a handshake
// is under way. Established sessions outlive control: one that has attached asks each worker for
// them and for the cards it does not know (SESSIONS_WANTED, CARD_WANTED).
//
// Pure: no OpenSSL, no thread, no clock, no I/O; what it does, it does by struct sessions_host.
// What workers say has passed link_message_check() and is else not believed: a message that does
// not fit is counted, and costs its session at most. The loop's thread.

#pragma once

#include "lib/link/message.h"

#define SESSIONS_WORKERS_MAX 64
// Header, 2^14 bytes and what TLS may add (RFC 8446 §5.2); a handshake before encryption has no
// more either.
#define SESSIONS_RECORD_BYTES_MAX (5 + 16384 + 256)
// All records of a handshake together: certificate chains.
#define SESSIONS_SHOWN_BYTES_MAX 65536
#define SESSIONS_HANDSHAKE_MS    10000
// An orderly close that takes longer becomes a reset.
#define SESSIONS_CLOSE_MS 5000
// Between two questions to a worker that does not answer.
#define SESSIONS_ASK_AGAIN_MS 1000
// A session that control found at a worker is closed if its card is not told by then.
#define SESSIONS_CARD_MS 10000

struct sessions;

enum session_outcome {
	SESSION_GOES_ON, // it wants the next record
	SESSION_DONE,
	SESSION_FAILED,
};

// What a step of a handshake has made. All is the caller's; secrets are copied, and wiped here when
// they have been said.
struct session_result {
	uint64_t id;
	enum session_outcome outcome;
	struct view output; // to be sent to the peer, also after a failure: an alert
	// When done.
	uint64_t card;         // its name; 0: the peer, inside, showed no certificate
	const struct card *is; // NULL then
	const struct record_secrets *secrets;
	// When failed.
	enum reason reason;
};

struct session_row {
	unsigned worker;
	uint64_t conn;
	const char *state;
	bool is_established;
	enum record_role role;
	uint16_t listener;
	struct endpoint remote;
	struct link_target target;   // of an accepted one all zero
	enum record_version version; // NONE, as long as it is not established
	enum record_suite suite;
	uint64_t card_name;      // 0: none yet
	const struct card *card; // NULL: not known (yet)
	uint64_t age_ms;         // established; before: opened
	// Messages, as the worker last said (sessions_refresh()).
	uint64_t n_received, n_sent;
};

// How it acts. None of them may call back into sessions_...(), but for say(), which may not either.
struct sessions_host {
	// To a worker. 0; -ENOSPC, its ring is full: it is said again later; another error: the
	// attachment is going.
	int (*say)(void *arg, unsigned worker, struct link_message *m);
	// Whether handshakes can begin at all: not before a control that has just started knows its
	// policy and its certificates. Sessions that come before wait, within the handshake's time.
	bool (*is_ready)(void *arg);
	// Whether a handshake may begin: REASON_none, or why not.
	enum reason (*admit)(void *arg, const struct link_session_opened *opened, uint64_t now_ns);
	// A handshake begins. id: never used before. Of one that we opened, the first step is asked
	// for by this. False: it cannot.
	bool (*begin)(
		void *arg, uint64_t id, unsigned worker, const struct link_session_opened *opened);
	// The next step: a whole record, which is copied. Its result is given to sessions_take().
	void (*step)(void *arg, uint64_t id, struct view record);
	// The handshake is over, or is given up: what it has is freed. A result that comes
	// nevertheless is ignored.
	void (*drop)(void *arg, uint64_t id);
	// Whether a session that a former control has let in may go on: REASON_none, or why it is
	// closed. Asked when its card is known.
	enum reason (*judge)(void *arg, const struct card *card);
	// For logs and diagnosis; the row lives as long as the call. NULL: need not be told.
	void (*established)(void *arg, const struct session_row *row);
	// alert: the peer's, or RECORD_ALERT_NONE.
	void (*ended)(void *arg, const struct session_row *row, enum reason reason, uint8_t alert);
};

struct sessions_config {
	uint32_t n_max;            // sessions, 1 to 2^24
	uint32_t n_handshakes_max; // of them under handshake: each may hold a record
	uint64_t seed;             // of the tables
};

// NULL with errno: EINVAL, ENOMEM.
struct sessions *sessions_new(
	const struct sessions_config *config, const struct sessions_host *host, void *arg);
void sessions_free(struct sessions *s);

// Another attachment, or the end of one (no workers): every session is forgotten, every handshake
// dropped, and the workers are asked for what they have.
void sessions_attached(struct sessions *s, unsigned n_workers, uint64_t now_ns);
// A SESSION_..., SESSIONS_... or CARD message of a worker, checked. Others are ignored.
void sessions_hear(
	struct sessions *s, unsigned worker, const struct link_message *m, uint64_t now_ns);
// The result of a step. The handshake of one that is done or has failed is dropped.
void sessions_take(struct sessions *s, const struct session_result *result, uint64_t now_ns);
// What time brings, and what is still to be said. At most every 10 ms or so.
void sessions_tick(struct sessions *s, uint64_t now_ns);

// Whether every worker has told all its sessions and all their cards.
bool sessions_are_known(const struct sessions *s);
// Asks the workers again, for the counts of messages. sessions_are_known() says when it is done.
void sessions_refresh(struct sessions *s, uint64_t now_ns);

// Closes the established sessions whose card the predicate picks. How many.
unsigned sessions_cut(struct sessions *s, bool (*picks)(void *arg, const struct card *card),
	void *arg, enum reason reason, uint64_t now_ns);

// Calls each for every session, worker by worker, in no certain order.
void sessions_each(const struct sessions *s, uint64_t now_ns,
	void (*each)(void *arg, const struct session_row *row), void *arg);

// The one of a handshake, for logs. False: it is gone.
bool sessions_find(const struct sessions *s, uint64_t id, uint64_t now_ns, struct session_row *row);

struct sessions_counts {
	uint32_t n_handshakes, n_established, n_closing; // now
	uint64_t n_opened, n_refused, n_failed, n_done, n_ended;
	uint64_t n_bad; // messages that did not fit
};
struct sessions_counts sessions_counts(const struct sessions *s);
