// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wire.h"
#include "tests/sim/sim.h"

#include <errno.h>
#include <stdlib.h>

#define OPENING_BYTES 16 // number, total, and a hash of both
#define NEVER         UINT64_MAX
#define READ_MAX      65536

static uint8_t scratch[READ_MAX];

// Byte i of stream `number`: what was sent is known to whoever knows the number.
static void stream_fill(uint8_t *at, uint32_t number, uint32_t total, uint32_t i, uint32_t n_bytes)
{
	uint8_t opening[OPENING_BYTES];

	wire_put32(opening, number);
	wire_put32(opening + 4, total);
	wire_put32(opening + 8, (uint32_t)rng_mix((uint64_t)number << 32 | total));
	wire_put32(opening + 12, 0x51505f53);
	for (uint32_t end = i + n_bytes; i < end; i++) {
		uint64_t word = rng_mix((uint64_t)number << 32 | (i / 8 + 1));

		*at++ = i < OPENING_BYTES ? opening[i] : (uint8_t)(word >> i % 8 * 8);
	}
}

static const struct plan_user *habits(const struct sim_host *h)
{
	return &h->sim->plan->hosts[h->index].user;
}

static uint64_t later(struct sim_host *h, uint32_t at_most_ms)
{
	uint64_t ns = at_most_ms == 0 ? 0 : rng_next(&h->user.rng) % (at_most_ms * 1000000ull);

	return h->sim->now + ns;
}

void user_init(struct sim_host *h)
{
	struct user *u = &h->user;

	u->rng.state = rng_mix(h->sim->plan->seed * 2 + h->index);
	// Each connection of the peer is one here, and a few may come back from the dead.
	u->n_talks_max =
		h->sim->plan->hosts[0].user.n_opens + h->sim->plan->hosts[1].user.n_opens + 64;
	u->talks = calloc(u->n_talks_max, sizeof(*u->talks));
	if (u->talks == NULL)
		abort();
	u->next_open_ns = h->sim->now;
}

void user_fini(struct sim_host *h)
{
	free(h->user.talks);
}

// What a user does or is told, among the packets.
static void note(const struct sim_host *h, const struct talk *t, const char *what)
{
	const struct wire *w = &h->sim->wire;

	if (w->trace != NULL)
		fprintf(w->trace, "%12.6f  host %u %08x %s\n",
			(double)(h->sim->now - w->trace_start_ns) / 1e9, h->index, t->number, what);
}

static struct talk *talk_new(struct sim_host *h, tcp_conn_id id, bool active)
{
	const struct plan_user *plan = habits(h);
	struct user *u = &h->user;
	struct talk *t;

	if (u->n_talks == u->n_talks_max) {
		sim_fail(h->sim, "host %u has more connections than were opened", h->index);
		return NULL;
	}
	t = &u->talks[u->n_talks];
	t->id = id;
	t->active = active;
	t->number = (uint32_t)h->index << 24 | u->n_talks++;
	t->total = rng_scale(&u->rng, plan->bytes_min, plan->bytes_max);
	t->style = (enum close_style)rng_below(&u->rng, active || h->sim->plan->mirrored ? 2 : 3);
	t->next_write_ns = later(h, plan->write_gap_ms);
	t->next_read_ns = NEVER;
	t->abort_ns = rng_chance(&u->rng, plan->abort_share) ? later(h, 3000) : NEVER;
	u->n_alive++;
	u->n_alive_active += active;
	note(h, t, active ? "opens" : "accepts");
	if (!tcp_set_user(h->tcp, id, u->n_talks))
		sim_fail(h->sim, "host %u: a new connection has no valid id", h->index);
	return t;
}

// The next of its connections; where the pair is still in use, later.
static void open_one(struct sim_host *h)
{
	const struct plan *plan = h->sim->plan;
	struct endpoint local = {.transport = TRANSPORT_TCP}, remote = {.transport = TRANSPORT_TCP};
	struct user *u = &h->user;
	uint16_t pair = (uint16_t)(u->n_opens % habits(h)->n_ports);
	tcp_conn_id id = 0;
	int rc;

	plan_address(plan, h->index, &local.ip);
	plan_address(plan, !h->index, &remote.ip);
	local.port = (uint16_t)(habits(h)->port + pair);
	remote.port = plan->mirrored ? local.port : PLAN_SERVER_PORT;
	rc = tcp_open(
		h->tcp, &local, &remote, plan->hosts[h->index].mtu, h->index, h->sim->now, &id);
	if (rc == -EADDRINUSE || rc == -ENOBUFS) {
		u->next_open_ns = h->sim->now + 50000000;
		return;
	}
	if (rc != 0)
		sim_fail(h->sim, "host %u cannot open: %d", h->index, rc);
	u->n_opens++;
	// Mirrored ones are opened at the same times by both, without a draw of their own.
	u->next_open_ns = h->sim->now +
		(plan->mirrored ? habits(h)->open_gap_ms * 1000000ull
				: later(h, habits(h)->open_gap_ms) - h->sim->now);
	talk_new(h, id, true);
}

static void closed(struct sim_host *h, struct talk *t, enum reason reason)
{
	t->closed = true;
	t->reason = reason;
	note(h, t, reason_name(reason));
	h->user.n_alive--;
	h->user.n_alive_active -= t->active;
	if (reason < REASON_tcp_closed || reason > REASON_tcp_aborted)
		sim_fail(h->sim, "host %u: a connection ends with %s", h->index,
			reason_name(reason));
	if (reason == REASON_tcp_aborted && !t->aborted)
		sim_fail(h->sim, "host %u: %08x is called aborted, which it was not", h->index,
			t->number);
	if (reason == REASON_tcp_closed && (!t->closing || !t->peer_finished))
		sim_fail(h->sim, "host %u: %08x is closed by both sides, which did not", h->index,
			t->number);
	if (reason == REASON_tcp_closed && t->knows_peer && t->n_read != t->peer_total)
		sim_fail(h->sim, "host %u: %08x is closed with %u bytes of %u read", h->index,
			t->number, t->n_read, t->peer_total);
	if (tcp_readable(h->tcp, t->id) != 0 || tcp_room(h->tcp, t->id) != 0 ||
		tcp_write(h->tcp, t->id, "x", 1) != -EPIPE || tcp_set_user(h->tcp, t->id, 1))
		sim_fail(h->sim, "host %u: the id of %08x is still good", h->index, t->number);
}

void user_event(struct sim_host *h, const struct tcp_event *e)
{
	struct talk *t;

	if (e->listener != h->index)
		sim_fail(h->sim, "host %u: an event of listener %u", h->index, e->listener);
	if (e->user == 0) {
		if (h->sim->plan->mirrored || !(e->what & TCP_OPENED))
			sim_fail(h->sim, "host %u: event %x of nobody's connection", h->index,
				e->what);
		if (e->what & TCP_CLOSED) // before anyone could have talked
			return;
		t = talk_new(h, e->conn, false);
	} else {
		t = e->user <= h->user.n_talks ? &h->user.talks[e->user - 1] : NULL;
	}
	if (t == NULL || t->id != e->conn || t->closed) {
		sim_fail(h->sim, "host %u: event %x of a connection that is not there", h->index,
			e->what);
		return;
	}
	if ((e->what & TCP_OPENED) && t->opened)
		sim_fail(h->sim, "host %u: %08x is opened twice", h->index, t->number);
	t->opened |= (e->what & TCP_OPENED) != 0;
	t->peer_finished |= (e->what & TCP_PEER_FINISHED) != 0;
	if ((e->what & (TCP_READABLE | TCP_PEER_FINISHED)) && t->next_read_ns == NEVER)
		t->next_read_ns = h->sim->now;
	if (e->what & TCP_WRITABLE) {
		if (!t->refused)
			sim_fail(h->sim, "host %u: %08x is writable, unasked", h->index, t->number);
		t->refused = false;
		t->next_write_ns = h->sim->now;
	}
	if (e->what & TCP_CLOSED)
		closed(h, t, e->reason);
}

static void write_some(struct sim_host *h, struct talk *t)
{
	const struct plan_user *plan = habits(h);
	uint32_t n = rng_between(&h->user.rng, 1, plan->write_max), room;
	uint32_t at_most = h->sim->plan->hosts[h->index].config.send_bytes_max / 2;
	int rc;

	n = n > at_most ? at_most : n;
	n = n > t->total - t->n_written ? t->total - t->n_written : n;
	stream_fill(scratch, t->number, t->total, t->n_written, n);
	room = tcp_room(h->tcp, t->id);
	rc = tcp_write(h->tcp, t->id, scratch, n);
	h->user.n_calls++;
	t->next_write_ns = NEVER;
	if (rc != (n <= room ? 0 : -ENOBUFS)) {
		sim_fail(h->sim, "host %u: %08x writes %u bytes into room for %u: %d", h->index,
			t->number, n, room, rc);
	} else if (rc == -ENOBUFS) {
		t->refused = true;
	} else {
		t->n_written += n;
		h->user.n_bytes_written += n;
		if (t->n_written < t->total)
			t->next_write_ns = later(h, plan->write_gap_ms);
	}
	if (tcp_unacked(h->tcp, t->id) > h->sim->plan->hosts[h->index].config.send_bytes_max)
		sim_fail(h->sim, "host %u: %08x has more queued than may be", h->index, t->number);
}

static void learn_peer(struct sim_host *h, struct talk *t)
{
	const struct user *peer = &h->sim->hosts[!h->index].user;
	uint8_t expected[OPENING_BYTES];
	uint32_t index;

	t->peer_number = wire_get32(t->opening);
	t->peer_total = wire_get32(t->opening + 4);
	t->knows_peer = true;
	stream_fill(expected, t->peer_number, t->peer_total, 0, OPENING_BYTES);
	index = t->peer_number & 0xffffff;
	if (memcmp(t->opening, expected, OPENING_BYTES) != 0 || index >= peer->n_talks ||
		peer->talks[index].number != t->peer_number ||
		peer->talks[index].total != t->peer_total)
		sim_fail(h->sim, "host %u: %08x reads a stream that nobody wrote", h->index,
			t->number);
}

// Bytes of the peer's stream from n_read on.
static void take(struct sim_host *h, struct talk *t, const uint8_t *bytes, uint32_t n)
{
	uint8_t expected[512];

	h->user.n_bytes_read += n;
	while (n > 0 && !h->sim->failed) {
		uint32_t k = n < sizeof(expected) ? n : (uint32_t)sizeof(expected);

		if (t->n_read < OPENING_BYTES) {
			k = n < OPENING_BYTES - t->n_read ? n : OPENING_BYTES - t->n_read;
			memcpy(t->opening + t->n_read, bytes, k);
		} else {
			stream_fill(expected, t->peer_number, t->peer_total, t->n_read, k);
			if (memcmp(bytes, expected, k) != 0 || t->n_read + k > t->peer_total)
				sim_fail(h->sim, "host %u: %08x reads wrong bytes at %u of %u",
					h->index, t->number, t->n_read, t->peer_total);
		}
		t->n_read += k;
		bytes += k;
		n -= k;
		if (t->n_read == OPENING_BYTES)
			learn_peer(h, t);
	}
}

// Up to n bytes, in one of the ways there are.
static uint32_t read_bytes(struct sim_host *h, struct talk *t, uint32_t n)
{
	uint32_t readable = tcp_readable(h->tcp, t->id);
	struct view v;

	if (rng_chance(&h->user.rng, 5000)) {
		v = tcp_peek(h->tcp, t->id);
		if (v.len > readable || (v.len == 0 && readable > 0))
			sim_fail(h->sim, "host %u: %zu bytes to peek of %u", h->index, v.len,
				readable);
		n = n < v.len ? n : (uint32_t)v.len;
		take(h, t, v.at, n);
	} else {
		uint32_t expected = n < readable ? n : readable;

		n = tcp_copy(h->tcp, t->id, 0, scratch, n);
		if (n != expected)
			sim_fail(h->sim, "host %u: %u bytes copied of %u", h->index, n, expected);
		take(h, t, scratch, n);
	}
	tcp_consume(h->tcp, t->id, n);
	if (tcp_readable(h->tcp, t->id) != readable - n)
		sim_fail(h->sim, "host %u: %u bytes consumed of %u leave %u", h->index, n, readable,
			tcp_readable(h->tcp, t->id));
	return n;
}

static void read_some(struct sim_host *h, struct talk *t)
{
	const struct plan_user *plan = habits(h);
	uint32_t n = rng_between(&h->user.rng, 1, plan->read_max);

	h->user.n_calls++;
	while (n > 0 && !h->sim->failed) {
		uint32_t k = read_bytes(h, t, n);

		if (k == 0)
			break;
		n -= k;
	}
	t->next_read_ns = NEVER;
	if (tcp_readable(h->tcp, t->id) > 0) {
		bool stalls = rng_chance(&h->user.rng, plan->stall_share);

		t->next_read_ns = later(h, stalls ? plan->stall_ms : plan->read_gap_ms);
	} else if (t->peer_finished && (!t->knows_peer || t->n_read != t->peer_total)) {
		sim_fail(h->sim, "host %u: %08x's peer has finished after %u bytes of %u", h->index,
			t->number, t->n_read, t->peer_total);
	}
}

static void close_when_due(struct sim_host *h, struct talk *t)
{
	bool read_all = t->knows_peer && t->n_read == t->peer_total;

	// Closed before it is open, it is only forgotten (RFC 9293 §3.10.4).
	if (t->closing || !t->opened || t->n_written < t->total)
		return;
	if (t->style == CLOSE_WHEN_BOTH && !read_all)
		return;
	if (t->style == CLOSE_AFTER_PEER && !(read_all && t->peer_finished))
		return;
	t->closing = true;
	note(h, t, "closes");
	tcp_close(h->tcp, t->id, h->sim->now);
	h->user.n_calls++;
	if (tcp_write(h->tcp, t->id, "x", 1) != -EPIPE)
		sim_fail(h->sim, "host %u: %08x writes after its close", h->index, t->number);
}

static void talk_turn(struct sim_host *h, struct talk *t)
{
	uint64_t now = h->sim->now;

	if (t->abort_ns <= now) {
		t->abort_ns = NEVER;
		t->aborted = true;
		note(h, t, "aborts");
		tcp_abort(h->tcp, t->id, REASON_tcp_aborted);
		return;
	}
	if (t->aborted)
		return;
	for (unsigned i = 0; i < 64 && t->next_write_ns <= now && !h->sim->failed; i++)
		write_some(h, t);
	if (t->next_read_ns <= now)
		read_some(h, t);
	close_when_due(h, t);
}

void user_turn(struct sim_host *h)
{
	struct user *u = &h->user;

	while (u->n_opens < habits(h)->n_opens && u->next_open_ns <= h->sim->now &&
		u->n_alive_active < habits(h)->n_alive_max && !h->sim->failed)
		open_one(h);
	for (unsigned i = 0; i < u->n_talks && !h->sim->failed; i++) {
		if (!u->talks[i].closed)
			talk_turn(h, &u->talks[i]);
	}
}

uint64_t user_next_ns(const struct sim_host *h)
{
	const struct user *u = &h->user;
	uint64_t next = NEVER;

	if (u->n_opens < habits(h)->n_opens && u->n_alive_active < habits(h)->n_alive_max)
		next = u->next_open_ns;
	for (unsigned i = 0; i < u->n_talks; i++) {
		const struct talk *t = &u->talks[i];

		if (t->closed || t->aborted)
			continue;
		next = t->next_write_ns < next ? t->next_write_ns : next;
		next = t->next_read_ns < next ? t->next_read_ns : next;
		next = t->abort_ns < next ? t->abort_ns : next;
	}
	return next;
}

bool user_is_done(const struct sim_host *h)
{
	return h->user.n_opens == habits(h)->n_opens && h->user.n_alive == 0;
}

void user_abort_all(struct sim_host *h)
{
	h->user.n_opens = habits(h)->n_opens;
	for (unsigned i = 0; i < h->user.n_talks; i++) {
		struct talk *t = &h->user.talks[i];

		if (!t->closed)
			t->abort_ns = 0;
	}
}

void user_describe(struct sim_host *h, const struct talk *t, char *out, size_t n_bytes)
{
	struct tcp_status info = {0};
	struct tcp_usage usage;
	bool known = tcp_describe(h->tcp, t->id, &info);

	tcp_usage(h->tcp, &usage);
	snprintf(out, n_bytes,
		"host %u, %08x: %u of %u written%s, %u of %u read%s%s, state %d, unacked %u, "
		"readable %u, room %u, cwnd %u, rto %u, port %u, chunks %u",
		h->index, t->number, t->n_written, t->total, t->refused ? " (refused)" : "",
		t->n_read, t->knows_peer ? t->peer_total : 0, t->peer_finished ? " (finished)" : "",
		t->closing ? ", closing" : "", known ? info.state : -1, info.unacked, info.readable,
		tcp_room(h->tcp, t->id), info.cwnd_bytes, info.rto_ms, info.local.port,
		usage.n_chunks);
}
