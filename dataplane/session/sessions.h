// SPDX-License-Identifier: BSD-3-Clause
// TLS over the connections of one worker. A connection of a TLS listener, or one opened to a TLS
// hop, is first *negotiating*: what it receives is shown to control, a record at a time, and what
// control says is sent; nothing is read ahead. Control ends that by handing over the session, and
// from there on this worker alone opens and seals its records (DESIGN sections 2 and 3). Control
// may then go away and come back: it is told of every session, and given its identity card.
//
// Whoever reads and writes connections does it by session_read() and session_write() and need not
// know which of them are sessions: of others they are tcp_write() and no more.
//
// Callers: the streams. Thread: one worker's. No allocation after sessions_new(). What control says
// has passed link_message_check() and is believed no further: a message for a session that is not
// waiting for it is counted and has no effect.

#pragma once

#include "lib/link/message.h"
#include "lib/record/record.h"
#include "lib/tcp/tcp.h"

struct sessions;

// How a session has changed, to its user; called from the functions below.
enum session_news {
	// Bytes may be read and written. Of a connection of ours whose peer has not judged our
	// certificate yet (a TLS 1.3 server does so when the client is done), only such bytes as
	// make it say something: SESSION_NEWS_CONFIRMED follows, of the others at once.
	SESSION_NEWS_ESTABLISHED,
	SESSION_NEWS_CONFIRMED,
	SESSION_NEWS_OVER, // for reason: the user closes the connection
};

struct sessions_config {
	struct tcp *tcp;
	struct record_crypto *crypto;
	uint32_t n_conns;   // of the engine
	uint32_t n_cards;   // identities at once
	uint64_t *counters; // REASON_N
	// Says it to control. False: its ring is full, or it is away. last: by the slots that are
	// kept for ends of sessions.
	bool (*tell_control)(void *arg, const struct link_message *m, bool last);
	void (*changed)(void *arg, tcp_conn_id conn, enum session_news news, enum reason reason,
		uint64_t now);
	// The target that a connection of ours was opened for.
	struct link_target (*target_of)(void *arg, tcp_conn_id conn);
	void *arg; // of all
};

struct sessions *sessions_new(const struct sessions_config *config); // NULL with errno
void sessions_free(struct sessions *s);                              // wipes all secrets

// The connection is open and shall become a session: control is told. user_timeout of it is the
// user's. False where control is away: it cannot become one.
bool session_begin(struct sessions *s, tcp_conn_id conn, enum record_role role, uint16_t listener,
	const struct endpoint *remote);
// The connection is gone for that reason: secrets are wiped, control is told.
void session_end(struct sessions *s, tcp_conn_id conn, enum reason reason);

// Whether the connection is, or is to become, a session.
bool session_is(const struct sessions *s, tcp_conn_id conn);
// Whether it is established: what it receives is for session_read().
bool session_is_established(const struct sessions *s, tcp_conn_id conn);
// While negotiating: bytes have come; or the peer has finished, so that no more will.
void session_received(struct sessions *s, tcp_conn_id conn, uint64_t now);
void session_finished(struct sessions *s, tcp_conn_id conn, uint64_t now);

// Who the peer has proved to be. NULL: it is no session, or showed no certificate. Valid until the
// session ends. serial: unless NULL, gets the card's, not 0, which no other card of this worker
// ever has.
const struct card *session_card(const struct sessions *s, tcp_conn_id conn, uint64_t *serial);

struct session_read {
	size_t n_bytes;        // of plaintext
	bool more;             // whole records are left
	bool finished;         // the peer has said all
	enum reason fault;     // REASON_none, or why nothing more can be read: the alert is out
	enum record_wear wear; // of its keys, either way
};
// Brings what is read of a session near, ahead of session_read(), in two steps: the session, then
// the key that it names. index: of a connection.
void session_prefetch(const struct sessions *s, uint32_t index);
void session_prefetch_key(const struct sessions *s, uint32_t index);
// Opens whole records, and consumes them, as long as out has room for the next one.
void session_read(struct sessions *s, tcp_conn_id conn, uint8_t *out, size_t room,
	struct session_read *read, uint64_t now);
// Of one that has begun to be read: a message was whole. For who lists sessions.
void session_count_message(struct sessions *s, tcp_conn_id conn);

// Queues all of it, sealed, or none: as tcp_write(), which it is for a connection without a
// session. -EAGAIN for a session that is not established yet.
int session_write(struct sessions *s, tcp_conn_id conn, const void *bytes, uint32_t n_bytes);
// Likewise of what is not the end of a message: it is not counted as one.
int session_write_part(struct sessions *s, tcp_conn_id conn, const void *bytes, uint32_t n_bytes);
// close_notify, where the connection is a session, and tcp_close().
void session_close(struct sessions *s, tcp_conn_id conn, uint64_t now);
// How far its keys are used up: it should give way to another connection.
enum record_wear session_wear(const struct sessions *s, tcp_conn_id conn);

// A LINK_SESSION_... or LINK_CARD_... message.
void sessions_hear(struct sessions *s, const struct link_message *m, uint64_t now);
// Another attachment: what is negotiating ends, for the handshakes are gone.
void sessions_attached(struct sessions *s, uint64_t now);
// What control's full ring has kept back: shown and said now. Call about every millisecond; at most
// budget sessions are looked at.
void sessions_timers(struct sessions *s, unsigned budget);

struct sessions_usage {
	uint32_t n_negotiating, n_established, n_cards;
};
void sessions_usage(const struct sessions *s, struct sessions_usage *out);
