// SPDX-License-Identifier: BSD-3-Clause

#include "tests/sim/wire.h"

#include "tests/sim/packet.h"

#include <stdlib.h>

void wire_init(struct wire *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->rng.state = seed;
}

void wire_fini(struct wire *w)
{
	while (w->n > 0)
		free(w->heap[--w->n]);
}

static bool earlier(const struct wire_packet *a, const struct wire_packet *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void push(struct wire *w, struct wire_packet *p)
{
	unsigned i = w->n++;

	p->order = w->order++;
	for (; i > 0 && earlier(p, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = p;
}

static struct wire_packet *pop(struct wire *w)
{
	struct wire_packet *first = w->heap[0], *last = w->heap[--w->n];
	unsigned i = 0, child;

	while ((child = 2 * i + 1) < w->n) {
		if (child + 1 < w->n && earlier(w->heap[child + 1], w->heap[child]))
			child++;
		if (!earlier(w->heap[child], last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	return first;
}

uint64_t wire_next_ns(const struct wire *w)
{
	return w->n > 0 ? w->heap[0]->at_ns : UINT64_MAX;
}

struct wire_packet *wire_take(struct wire *w, uint64_t now)
{
	return wire_next_ns(w) <= now ? pop(w) : NULL;
}

static size_t format_flags(char *at, uint8_t flags)
{
	static const char letters[] = "FSRPAUEC";
	size_t n = 0;

	for (unsigned i = 0; i < 8; i++) {
		if (flags & 1u << i)
			at[n++] = letters[i];
	}
	at[n] = '\0';
	return n;
}

void wire_trace(struct wire *w, uint64_t now, const char *fate, uint8_t to, struct view packet)
{
	struct tcp_segment s;
	char flags[9];

	if (w->trace == NULL)
		return;
	fprintf(w->trace, "%12.6f  to %u %-10s ", (double)(now - w->trace_start_ns) / 1e9, to,
		fate);
	if (packet_parse(packet, &s) != REASON_none) {
		fprintf(w->trace, "%zu bytes\n", packet.len);
		return;
	}
	format_flags(flags, s.flags);
	fprintf(w->trace, "%5u>%-5u %-4s %08x:%-5zu ack %08x win %-5u", s.remote.port, s.local.port,
		flags, s.seq, s.payload.len, s.ack, s.window);
	if (s.options.has_mss)
		fprintf(w->trace, " mss %u", s.options.mss);
	if (s.options.has_window_scale)
		fprintf(w->trace, " ws %u", s.options.window_scale);
	if (s.options.has_timestamps)
		fprintf(w->trace, " ts %u/%u", s.options.ts_value, s.options.ts_echo);
	for (unsigned i = 0; i < s.options.n_sack_blocks; i++)
		fprintf(w->trace, " sack %08x-%08x", s.options.sack[i].from, s.options.sack[i].to);
	fprintf(w->trace, "\n");
}

static struct wire_packet *packet_new(uint8_t to, enum wire_kind kind, size_t n_bytes)
{
	struct wire_packet *p = calloc(1, sizeof(*p) + n_bytes);

	if (p == NULL)
		abort();
	p->to = to;
	p->kind = kind;
	p->n_bytes = (uint16_t)n_bytes;
	return p;
}

static bool is_cut(const struct wire *w, uint8_t to, uint64_t now)
{
	for (unsigned i = 0; i < w->n_cuts; i++) {
		const struct wire_cut *cut = &w->cuts[i];

		if (cut->to == to && now >= cut->from_ns && now < cut->to_ns)
			return true;
	}
	return false;
}

// One byte of a packet becomes another one. A change of one byte never goes past the checksum, as
// one of two words might. What no checksum covers stays: IPv6's length, for a shorter packet could
// be right by chance; and ARP, for a wrong neighbour is believed for half a minute.
static void corrupt(struct wire *w, struct wire_packet *p)
{
	uint32_t spared = w->link_bytes;
	unsigned version;

	if (p->n_bytes <= spared + 6)
		return;
	version = p->bytes[spared] >> 4;
	if (version == 6)
		spared += 6;
	else if (version != 4)
		return;
	p->bytes[spared + rng_below(&w->rng, p->n_bytes - spared)] ^=
		(uint8_t)rng_between(&w->rng, 1, 255);
	w->n_corrupted++;
}

// When a packet that is sent now arrives; false where the bottleneck's queue has no room.
static bool arrival(struct wire *w, uint8_t to, size_t n_bytes, uint64_t now, uint64_t *at_ns)
{
	const struct wire_way *way = &w->ways[to];
	uint64_t leaves = now;

	if (way->bytes_per_ms > 0) {
		uint64_t waits;

		if (w->busy_until_ns[to] > leaves)
			leaves = w->busy_until_ns[to];
		waits = (leaves - now) * way->bytes_per_ms / 1000000;
		if (waits + n_bytes > way->queue_bytes)
			return false;
		leaves += n_bytes * 1000000 / way->bytes_per_ms;
		w->busy_until_ns[to] = leaves;
	}
	*at_ns =
		leaves + way->delay_us * 1000ull + rng_below(&w->rng, way->jitter_us + 1) * 1000ull;
	if (rng_chance(&w->rng, way->reorder)) {
		*at_ns += rng_between(&w->rng, 1, way->reorder_us) * 1000ull;
		w->n_reordered++;
		return true;
	}
	if (*at_ns < w->last_ns[to])
		*at_ns = w->last_ns[to];
	w->last_ns[to] = *at_ns;
	return true;
}

// A router's answer to a packet that is too big for the link behind it.
static void tell_mtu(struct wire *w, uint8_t to, struct view packet, uint64_t now)
{
	const struct wire_way *way = &w->ways[to];
	struct tcp_icmp_error error = {.kind = TCP_ICMP_TOO_BIG, .mtu = way->mtu};
	struct tcp_segment s;

	if (!way->tells_mtu || w->n_over_mtu++ % (way->tell_one > 0 ? way->tell_one : 1) != 0)
		return;
	if (packet_parse(packet, &s) != REASON_none)
		return;
	error.local = s.remote;
	error.remote = s.local;
	error.seq = s.seq;
	wire_send_icmp(w, !to, &error, now);
}

static void send_one(struct wire *w, uint8_t to, struct view packet, uint64_t now, const char *fate)
{
	struct wire_packet *p;
	uint64_t at_ns;

	if (w->n == WIRE_PACKETS_MAX || !arrival(w, to, packet.len, now, &at_ns)) {
		w->n_queue_full++;
		wire_trace(w, now, "queue full", to, packet);
		return;
	}
	p = packet_new(to, WIRE_PACKET, packet.len);
	memcpy(p->bytes, packet.at, packet.len);
	p->at_ns = at_ns;
	if (rng_chance(&w->rng, w->ways[to].corrupt)) {
		corrupt(w, p);
		fate = "corrupted";
	}
	wire_trace(w, now, fate, to, packet);
	push(w, p);
}

void wire_send(struct wire *w, uint8_t to, const uint8_t *bytes, size_t n_bytes, uint64_t now)
{
	const struct wire_way *way = &w->ways[to];
	struct view packet = view_of(bytes, n_bytes);

	w->n_sent++;
	if (n_bytes > way->mtu) {
		w->n_too_big++;
		wire_trace(w, now, "too big", to, packet);
		tell_mtu(w, to, packet, now);
		return;
	}
	if (is_cut(w, to, now) || rng_chance(&w->rng, way->loss)) {
		w->n_lost++;
		wire_trace(w, now, "lost", to, packet);
		return;
	}
	send_one(w, to, packet, now, "");
	if (rng_chance(&w->rng, way->duplicate)) {
		w->n_duplicated++;
		send_one(w, to, packet, now, "again");
	}
}

void wire_send_icmp(struct wire *w, uint8_t to, const struct tcp_icmp_error *error, uint64_t now)
{
	struct wire_packet *p;

	if (w->n == WIRE_PACKETS_MAX)
		return;
	p = packet_new(to, WIRE_ICMP, 0);
	p->error = *error;
	p->at_ns = now + w->ways[to].delay_us * 1000ull;
	push(w, p);
}
