// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/backlogs.h"

#include <errno.h>
#include <stdlib.h>

#define MS UINT64_C(1000000)
// Written at once: a TLS record's text.
#define PIECE_BYTES UINT32_C(16384)
// In a call, of all: copying that takes some microseconds.
#define TURN_BYTES (2 * PIECE_BYTES)
// In flight on a connection: 5 MB a second over a path of 50 ms. A quarter of what its queue holds
// by default: messages behind find it not full.
#define IN_FLIGHT_BYTES (UINT32_C(1) << 18)

void backlogs_config_default(struct backlogs_config *config)
{
	*config = (struct backlogs_config){
		.in_flight_of_all = UINT32_C(1) << 20,
		.behind_bytes_max = UINT32_C(1) << 18,
		.behind_weight_of_all = 512,
		.write_ms = 32000, // timers B and F (RFC 3261 §17.1): its sender waits no longer
	};
}

struct backlogs *backlogs_new(const struct backlogs_config *config)
{
	struct backlogs *b = calloc(1, sizeof(*b));

	if (b != NULL)
		b->config = *config;
	return b;
}

void backlogs_free(struct backlogs *b)
{
	if (b == NULL)
		return;
	for (unsigned i = 0; i < b->n; i++) {
		struct parcel *p = b->list[i].first, *next;

		for (; p != NULL; p = next) {
			next = p->next;
			b->config.host->put(b->config.host->arg, p);
		}
	}
	free(b);
}

static struct backlog *find(struct backlogs *b, tcp_conn_id conn)
{
	for (unsigned i = 0; i < b->n; i++) {
		if (b->list[i].conn == conn)
			return &b->list[i];
	}
	return NULL;
}

bool backlogs_has(const struct backlogs *b, tcp_conn_id conn)
{
	for (unsigned i = 0; i < b->n; i++) {
		if (b->list[i].conn == conn)
			return true;
	}
	return false;
}

static bool has_share(const struct backlogs *b, const struct backlog *l, const struct parcel *p)
{
	const struct backlogs_config *c = &b->config;

	return l->behind_bytes + p->len <= parcel_bound(p, c->behind_bytes_max) &&
		l->behind_weight + p->weight <= parcel_bound(p, c->behind_weight_of_all / 2) &&
		b->behind_weight + p->weight <= parcel_bound(p, c->behind_weight_of_all);
}

static int append(struct backlogs *b, struct backlog *l, struct parcel *p)
{
	if (!has_share(b, l, p))
		return -ENOBUFS;
	p->next = NULL;
	l->last->next = p;
	l->last = p;
	l->behind_bytes += p->len;
	l->behind_weight += p->weight;
	b->behind_weight += p->weight;
	return 0;
}

// Its first is written from here on.
static void begin_first(struct backlogs *b, struct backlog *l, uint64_t now)
{
	uint32_t ms = b->config.write_ms;

	if (l->first != NULL && l->first->body != NULL)
		ms += body_ms(l->first->body);
	l->n_written = 0;
	l->due = now + ms * MS;
}

// What of the first is to be written next; empty: nothing is left.
static struct view next_piece(const struct backlog *l)
{
	const struct parcel *p = l->first;
	uint32_t n = p->len - l->n_written;

	if (n > 0)
		return view_of(p->bytes + l->n_written, n < PIECE_BYTES ? n : PIECE_BYTES);
	return p->body != NULL ? body_peek(p->body, PIECE_BYTES) : VIEW_NONE;
}

// What the connection says to its first piece it says to all of it.
static int begin(struct backlogs *b, tcp_conn_id conn, struct parcel *p, uint64_t now)
{
	struct backlog l = {.conn = conn, .first = p, .last = p};
	struct view piece = next_piece(&l);
	int error = -ENOBUFS;

	if (b->n < BACKLOGS_MAX)
		error = session_write_part(b->config.sessions, conn, piece.at, (uint32_t)piece.len);
	if (error < 0)
		return error;
	p->next = NULL;
	begin_first(b, &l, now);
	l.n_written = (uint32_t)piece.len;
	b->list[b->n++] = l;
	b->config.changed(b->config.arg, conn, true, now);
	return 0;
}

int backlogs_queue(struct backlogs *b, tcp_conn_id conn, struct parcel *p, uint64_t now)
{
	struct backlog *l = find(b, conn);
	int error;

	if (l != NULL)
		return append(b, l, p);
	if (p->body == NULL) {
		error = session_write(b->config.sessions, conn, p->bytes, p->len);
		if (error == 0)
			b->config.host->put(b->config.host->arg, p);
		return error;
	}
	return begin(b, conn, p, now);
}

static struct parcel *pop(struct backlogs *b, struct backlog *l)
{
	struct parcel *p = l->first;

	l->first = p->next;
	if (l->first != NULL) {
		l->behind_bytes -= l->first->len;
		l->behind_weight -= l->first->weight;
		b->behind_weight -= l->first->weight;
	}
	return p;
}

static void refuse(struct backlogs *b, struct parcel *p, uint64_t now)
{
	b->config.counters[REASON_egress_cut]++;
	if (p->is_response)
		parcel_put(b->config.host, p);
	else
		b->config.refuse(b->config.arg, p, REASON_egress_cut, now);
}

void backlogs_end(struct backlogs *b, tcp_conn_id conn, uint64_t now)
{
	struct backlog *at = find(b, conn), l;

	if (at == NULL)
		return;
	// Out of the list before anything is refused, which may write elsewhere.
	l = *at;
	*at = b->list[--b->n];
	b->behind_weight -= l.behind_weight;
	l.behind_weight = 0;
	b->config.changed(b->config.arg, conn, false, now);
	while (l.first != NULL) {
		struct parcel *p = l.first;

		l.first = p->next;
		p->next = NULL;
		refuse(b, p, now);
	}
}

static bool is_last(const struct backlog *l, uint32_t n)
{
	const struct body *body = l->first->body;

	if (l->n_written < l->first->len)
		return body == NULL && l->n_written + n == l->first->len;
	return body->n_read + n == body->n_bytes;
}

static void written(struct backlog *l, uint32_t n)
{
	if (l->n_written < l->first->len)
		l->n_written += n;
	else
		body_skip(l->first->body, n);
}

static bool has_room(const struct backlogs *b, const struct backlog *l, uint32_t n)
{
	uint32_t most = b->config.in_flight_of_all / b->n;
	uint32_t in_flight = tcp_unacked(b->config.tcp, l->conn);

	if (most > IN_FLIGHT_BYTES)
		most = IN_FLIGHT_BYTES;
	return in_flight == 0 || in_flight + n <= most;
}

// Writes of one connection up to *n_left bytes. 0: it goes on; 1: nothing waits any more; or why it
// cannot be written to.
static int write_on(struct backlogs *b, struct backlog *l, uint32_t *n_left, uint64_t now)
{
	struct sessions *sessions = b->config.sessions;

	while (l->first != NULL) {
		struct view piece = next_piece(l);
		uint32_t n = (uint32_t)piece.len;
		int error;

		if (n > *n_left || !has_room(b, l, n))
			return 0;
		error = is_last(l, n) ? session_write(sessions, l->conn, piece.at, n)
				      : session_write_part(sessions, l->conn, piece.at, n);
		if (error < 0)
			return error == -ENOBUFS ? 0 : error;
		*n_left -= n;
		written(l, n);
		if (next_piece(l).len == 0) {
			parcel_put(b->config.host, pop(b, l));
			begin_first(b, l, now);
		}
	}
	return 1;
}

static void end_written(struct backlogs *b, struct backlog *l, uint64_t now)
{
	tcp_conn_id conn = l->conn;

	*l = b->list[--b->n];
	b->config.changed(b->config.arg, conn, false, now);
}

bool backlogs_write_on(struct backlogs *b, uint64_t now)
{
	uint32_t n_left = TURN_BYTES;

	// Another one first with every call, so that none has the others' share.
	b->turn++;
	for (unsigned i = 0, n = b->n; i < n && b->n > 0; i++) {
		struct backlog *l = &b->list[(b->turn + i) % b->n];
		int error = write_on(b, l, &n_left, now);

		if (error > 0)
			end_written(b, l, now);
		else if (error < 0)
			backlogs_end(b, l->conn, now);
		else if (now >= l->due)
			b->config.stuck(b->config.arg, l->conn);
	}
	return n_left < TURN_BYTES;
}
