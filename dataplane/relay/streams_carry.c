// SPDX-License-Identifier: BSD-3-Clause
// What leaves, to where it goes: the connection that a request came by, egress's connections, a
// datagram, another worker.

#include "dataplane/relay/streams_state.h"
#include "lib/sip/message.h"

#include <errno.h>

static void put(struct streams *s, struct parcel *p)
{
	parcel_put(s->config.host, p);
}

static void drop(struct streams *s, struct parcel *p, enum reason reason)
{
	streams_count(s, reason);
	put(s, p);
}

// Whoever opens the connection must tell control the name, and whoever has one must see it proved,
// on whichever worker that is. One that finds no room is proved by nobody.
static void describe_domain(struct parcel *p, const struct relay_out *out)
{
	p->n_domain = 0;
	p->names_hop = out->names_hop;
	p->domain_hash = out->domain_hash;
	if (out->domain.len > 0 && out->domain.len <= LINK_NAME_BYTES_MAX &&
		out->domain.len <= p->room - p->len) {
		memcpy(p->bytes + p->len, out->domain.at, out->domain.len);
		p->n_domain = (uint8_t)out->domain.len;
	}
}

void parcel_describe(struct parcel *p, const struct relay_out *out)
{
	p->len = (uint32_t)out->len;
	p->destination = out->destination;
	p->listener = out->listener;
	p->worker = out->worker;
	p->conn = out->conn;
	p->branch = out->branch;
	p->pair_hash = out->pair_hash;
	p->status = out->status;
	p->kind = out->kind;
	p->method = out->method;
	p->n_slots = out->n_slots;
	p->is_response = out->is_response;
	p->again = out->again;
	p->certificate = out->certificate;
	p->n_domain = 0;
	if (!out->is_response)
		describe_domain(p, out);
}

// The connection that its request came by is gone (RFC 3261 §18.2.2).
static void reopen(struct streams *s, struct parcel *p, uint64_t now)
{
	struct relay_out out = {
		.destination = p->destination, .listener = p->listener, .branch = p->branch};

	if (!transport_is_stream((enum transport)p->destination.transport) ||
		!relay_reopen(s->config.relay, view_of(p->bytes, p->len), &out)) {
		drop(s, p, REASON_sip_response_no_way);
		return;
	}
	p->conn = 0;
	p->kind = PARCEL_KEEP;
	p->pair_hash = (uint32_t)p->branch;
	p->destination = out.destination;
	p->listener = out.listener;
	p->certificate = out.certificate;
	p->n_slots = out.n_slots;
	describe_domain(p, &out);
	egress_send(s->egress, p, now);
}

static void note_asked(struct streams *s, struct stream *st, const struct relay_out *out)
{
	tcp_conn_id conn = stream_conn(s, st);

	if (out->method != SIP_M_ACK && st->n_pending < UINT16_MAX &&
		pending_add(&s->pending, pending_tag(conn, out->branch, out->method)))
		st->n_pending++;
}

// What a response answers, the parcel being gone.
struct answered {
	uint64_t branch;
	unsigned method, status;
};

// It has been written.
static void note_answered(
	struct streams *s, struct stream *st, const struct answered *a, uint64_t now)
{
	tcp_conn_id conn = stream_conn(s, st);

	if (a->status < 200 || !pending_del(&s->pending, pending_tag(conn, a->branch, a->method)))
		return;
	if (st->n_pending > 0 && st->n_pending < UINT16_MAX)
		st->n_pending--;
	stream_close_if_done(s, st, now);
}

// A response to the connection that its request came by, one of this worker's.
static void respond(struct streams *s, struct parcel *p, uint64_t now)
{
	tcp_conn_id conn = p->conn ^ s->salt;
	struct stream *st = stream_of(s, conn);
	const struct answered a = {p->branch, p->method, p->status};
	int error = -EPIPE;

	// What this relay says itself, at once, has no branch: nothing waits for it.
	if (a.branch != 0)
		again_hear(s, a.branch, a.method, a.status);
	if (st != NULL && (st->flags & STREAM_CLOSING) == 0)
		error = backlogs_write(s->backlogs, conn, p, now);
	if (error == 0) {
		if (a.branch != 0)
			note_answered(s, st, &a, now);
		return;
	}
	if (error == -EPIPE) {
		reopen(s, p, now);
		return;
	}
	// Its queue is full, for its peer does not read: responses are not shed, so it ends. Or
	// memory is, which is not this peer's doing. Of a backlog, time says who does not read.
	if ((st->flags & STREAM_WRITING) == 0 &&
		tcp_unacked(s->config.tcp, conn) >= STREAMS_UNREAD_BYTES) {
		put(s, p);
		tcp_abort(s->config.tcp, conn, REASON_sip_stream_stuck);
	} else {
		drop(s, p, REASON_sip_response_no_memory);
	}
}

void streams_carry(struct streams *s, struct parcel *p, uint64_t now)
{
	const struct relay_host *host = s->config.host;

	if (p->is_response && p->conn != 0) {
		if (p->worker == s->config.worker)
			respond(s, p, now);
		else if (p->worker >= s->config.n_workers ||
			!host->hand_over(host->arg, p->worker, p))
			drop(s, p, REASON_sip_ring_full);
	} else if (p->destination.transport == TRANSPORT_UDP) {
		if (p->again)
			again_send(s, p);
		else
			host->send_datagram(host->arg, p, false);
	} else if (p->is_response) {
		reopen(s, p, now);
	} else {
		egress_send(s->egress, p, now);
	}
}

void streams_take(struct streams *s, struct parcel *p, uint64_t now)
{
	streams_set_now(s, now);
	streams_carry(s, p, now);
}

void streams_take_over(struct streams *s, struct parcel *p, uint64_t now)
{
	streams_set_now(s, now);
	if (p->is_response && p->conn != 0)
		respond(s, p, now);
	else
		egress_take(s->egress, p, now);
}

void streams_refuse(void *arg, struct parcel *p, enum reason reason, uint64_t now)
{
	struct streams *s = arg;
	const struct relay_host *host = s->config.host;
	struct relay_out out = {.room = p->len + RELAY_GROWTH_BYTES};
	struct parcel *answer;

	if (p->method == SIP_M_ACK) {
		put(s, p);
		return;
	}
	answer = host->get(host->arg, out.room);
	if (answer == NULL) {
		drop(s, p, REASON_no_buffer);
		return;
	}
	out.bytes = answer->bytes;
	relay_undeliverable(s->config.relay, p->listener, view_of(p->bytes, p->len), reason, &out);
	put(s, p);
	if (out.len == 0) {
		put(s, answer);
		return;
	}
	parcel_describe(answer, &out);
	streams_carry(s, answer, now);
}

// Whether what is written is an answer of this relay: no body follows it.
static bool is_refusal(const struct relay_out *out)
{
	return out->reason != REASON_sip_request_relayed &&
		out->reason != REASON_sip_response_relayed;
}

// One of a burst: what the relay made of it is in out.
static void carry_out(struct streams *s, const struct relay_in *in, const struct relay_out *out,
	struct parcel *p, uint64_t now)
{
	struct stream *st = stream_of(s, in->conn ^ s->salt);

	if (out->len == 0) {
		put(s, p);
		return;
	}
	parcel_describe(p, out);
	if (st != NULL && out->reason == REASON_sip_request_relayed) {
		stream_set_sender(s, st, out->sender_hash, out->sender);
		note_asked(s, st, out);
	}
	if (in->is_head && !is_refusal(out))
		large_begin(s, st, p, now);
	else
		streams_carry(s, p, now);
}

// What is awaited of a request that came by a connection, or by which a response leaves.
static void prefetch_pending(
	const struct streams *s, const struct relay_in *in, const struct relay_out *out)
{
	uint64_t conn = out->is_response ? out->conn : in->conn;

	if (out->len > 0 && conn != 0)
		pending_prefetch(
			&s->pending, pending_tag(conn ^ s->salt, out->branch, out->method));
}

void streams_carry_burst(struct streams *s, uint64_t now)
{
	struct streams_burst *b = &s->burst;

	// They came before all that is in the burst.
	if (s->large.first != NULL)
		large_carry(s, now);
	for (unsigned i = 0; i < b->n; i++)
		prefetch_pending(s, &b->in[i], &b->out[i]);
	for (unsigned i = 0; i < b->n; i++)
		carry_out(s, &b->in[i], &b->out[i], b->parcels[i], now);
	b->n = 0;
}
