// SPDX-License-Identifier: BSD-3-Clause
// Two engines, and a man in the middle who has every packet between them in his hands: he holds
// back, repeats, changes, replays and invents, and speaks ICMP. The input is his deeds, and those
// of the users, a byte and its operands each.
//
// Holds that memory and work stay within their bounds whatever he does, that every segment is
// counted once, that what users are told is coherent, and that all of it goes away in the end.

#include "tests/sim/packet.h"

#include <stdlib.h>

#define N_HOSTS    2
#define N_TALKS    16
#define N_HELD     64 // packets under way, and seen, of one direction
#define MTU        1500
#define PORT       5060
#define DEEDS_MAX  400
#define OUTPUT_MAX 512 // packets of one flush: all windows and answers together are fewer
#define SECOND_NS  1000000000ull

static const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

struct held {
	uint16_t n_bytes;
	uint8_t bytes[MTU];
};

struct host {
	struct tcp *tcp;
	uint8_t *memory;
	struct tcp_config config;
	uint64_t counters[REASON_N];
	uint64_t n_segments_in;
	tcp_conn_id talks[N_TALKS];
	bool finished[N_TALKS];
	uint16_t next_port;
};

// Packets to one host: what is under way, oldest first, and what was seen.
struct way {
	struct held under_way[N_HELD], seen[N_HELD];
	unsigned n, n_seen;
};

static struct host hosts[N_HOSTS];
static struct way ways[N_HOSTS];
static uint64_t now;

struct deeds {
	const uint8_t *at;
	size_t left;
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t next_byte(struct deeds *d)
{
	if (d->left == 0)
		return 0;
	d->left--;
	return *d->at++;
}

// Near zero more often than far from it.
static int32_t next_offset(struct deeds *d)
{
	static const uint8_t shifts[] = {0, 0, 0, 4, 8, 12, 16, 24};
	uint8_t how = next_byte(d);
	int32_t value = (int32_t)next_byte(d) * (how & 0x80 ? -1 : 1);

	return (int32_t)((uint32_t)value << shifts[how & 7]);
}

static struct ip_addr address_of(unsigned host)
{
	return (struct ip_addr){.family = IP_V4, .bytes = {192, 0, 2, (uint8_t)(1 + host)}};
}

static void host_open(unsigned i)
{
	struct host *h = &hosts[i];
	struct endpoint listen = {.ip = address_of(i), .port = PORT, .transport = TRANSPORT_TCP};

	memset(h->memory, 0, tcp_memory_bytes(&h->config));
	memset(h->counters, 0, sizeof(h->counters));
	memset(h->talks, 0, sizeof(h->talks));
	h->n_segments_in = 0;
	h->next_port = 40000;
	h->tcp = tcp_init(h->memory, &h->config, h->counters, now);
	require(h->tcp != NULL && tcp_listen(h->tcp, &listen, MTU, (uint16_t)i) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	for (unsigned i = 0; i < N_HOSTS; i++) {
		struct host *h = &hosts[i];

		tcp_config_default(&h->config, 8);
		h->config.n_half_open = 2;
		h->config.n_time_waits = 4;
		h->config.n_chunks = 48;
		h->config.chunk_bytes = 600;
		h->config.send_bytes_max = 8000;
		h->config.receive_bytes_max = 8000;
		h->config.keepalive_s = 5;
		h->config.user_timeout_s = 20;
		h->config.time_wait_s = 2;
		h->config.key = key;
		h->memory = aligned_alloc(64, (tcp_memory_bytes(&h->config) + 63) / 64 * 64);
		require(h->memory != NULL && tcp_memory_bytes(&h->config) > 0);
	}
	return 0;
}

static void remember(struct held *all, unsigned *n, const uint8_t *bytes, size_t n_bytes)
{
	struct held *h = &all[*n < N_HELD ? *n : N_HELD - 1];

	memcpy(h->bytes, bytes, n_bytes);
	h->n_bytes = (uint16_t)n_bytes;
	if (*n < N_HELD)
		(*n)++;
}

// What the host has to say is under way, as far as there is room.
static void flush(unsigned i, enum tcp_output_mode mode)
{
	static uint8_t bytes[PACKET_HEADERS_MAX + UINT16_MAX];
	struct way *way = &ways[!i];
	struct tcp_packet p;
	unsigned n = 0;

	while (tcp_output(hosts[i].tcp, now, mode, 4000, &p)) {
		require(++n < OUTPUT_MAX);
		require(mode == TCP_OUTPUT_ALL || p.payload_bytes == 0);
		for (unsigned k = 0; k < packet_segments(&p); k++) {
			size_t n_bytes = packet_build(bytes, &p, k);

			require(n_bytes <= MTU);
			if (way->n < N_HELD)
				remember(way->under_way, &way->n, bytes, n_bytes);
			remember(way->seen, &way->n_seen, bytes, n_bytes);
			if (way->n_seen == N_HELD)
				way->n_seen = N_HELD / 2;
		}
	}
}

static void check_talk(struct host *h, unsigned k, const struct tcp_event *e)
{
	if (e->what & TCP_PEER_FINISHED) {
		require(!h->finished[k]);
		h->finished[k] = true;
	}
	if (e->what & TCP_CLOSED) {
		require(e->reason != REASON_none && e->reason < REASON_N);
		require(tcp_write(h->tcp, e->conn, "x", 1) < 0);
		h->talks[k] = 0;
	}
}

static void take_events(struct host *h)
{
	struct tcp_event e;
	unsigned k;

	while (tcp_next_event(h->tcp, &e)) {
		for (k = 0; k < N_TALKS && h->talks[k] != e.conn; k++)
			;
		if (k == N_TALKS) {
			require(e.what & TCP_OPENED);
			if (e.what & TCP_CLOSED)
				continue;
			for (k = 0; k < N_TALKS && h->talks[k] != 0; k++)
				;
			require(k < N_TALKS);
			h->talks[k] = e.conn;
			h->finished[k] = false;
		}
		check_talk(h, k, &e);
	}
}

static void deliver(unsigned to, struct view packet)
{
	// On the heap and no longer than it is, so that reading beyond it is seen.
	uint8_t *copy = malloc(packet.len + 1);
	struct tcp_segment s;

	require(copy != NULL);
	memcpy(copy, packet.at, packet.len);
	if (packet_parse(view_of(copy, packet.len), &s) == REASON_none) {
		tcp_input_burst(hosts[to].tcp, &s, 1, now);
		hosts[to].n_segments_in++;
	}
	free(copy);
	take_events(&hosts[to]);
}

static void drop(struct way *way, unsigned k)
{
	memmove(&way->under_way[k], &way->under_way[k + 1],
		(way->n - k - 1) * sizeof(way->under_way[0]));
	way->n--;
}

// A packet with some of its fields otherwise, and right checksums.
static void change(struct deeds *d, unsigned to, const struct held *h)
{
	uint8_t bytes[PACKET_HEADERS_MAX + MTU], what = next_byte(d);
	struct tcp_segment s;
	struct endpoint swap;

	if (packet_parse(view_of(h->bytes, h->n_bytes), &s) != REASON_none)
		return;
	if (what & 0x01)
		s.seq += (uint32_t)next_offset(d);
	if (what & 0x02)
		s.ack += (uint32_t)next_offset(d);
	if (what & 0x04)
		s.flags ^= next_byte(d);
	if (what & 0x08)
		s.window = (uint16_t)(next_byte(d) << (next_byte(d) & 7));
	if (what & 0x10) {
		s.options.ts_value += (uint32_t)next_offset(d);
		s.options.ts_echo += (uint32_t)next_offset(d);
		s.options.has_timestamps ^= next_byte(d) & 1;
	}
	if (what & 0x20) {
		s.options.n_sack_blocks = 1 + (next_byte(d) & 1);
		for (unsigned i = 0; i < s.options.n_sack_blocks; i++) {
			s.options.sack[i].from = s.ack + (uint32_t)next_offset(d);
			s.options.sack[i].to = s.options.sack[i].from + (uint32_t)next_offset(d);
		}
	}
	if (what & 0x40)
		s.payload.len = s.payload.len * next_byte(d) / 256;
	if (what & 0x80) {
		s.options.has_mss = true;
		s.options.mss = (uint16_t)(next_byte(d) << (next_byte(d) & 7));
	}
	swap = s.local;
	s.local = s.remote;
	s.remote = swap;
	deliver(to, view_of(bytes, packet_of_segment(bytes, &s)));
}

static void speak_icmp(struct deeds *d, unsigned to, const struct held *h)
{
	struct tcp_icmp_error error = {.mtu = (uint32_t)next_byte(d) << (next_byte(d) & 7)};
	struct tcp_segment s;

	if (packet_parse(view_of(h->bytes, h->n_bytes), &s) != REASON_none)
		return;
	error.kind = next_byte(d) & 1 ? TCP_ICMP_TOO_BIG : TCP_ICMP_UNREACHABLE;
	error.local = s.remote;
	error.remote = s.local;
	error.seq = s.seq + (uint32_t)next_offset(d);
	tcp_icmp_input(hosts[!to].tcp, &error, now);
	take_events(&hosts[!to]);
}

static void open_one(unsigned i, uint8_t operand)
{
	struct host *h = &hosts[i];
	struct endpoint local = {.ip = address_of(i), .transport = TRANSPORT_TCP};
	struct endpoint remote = {.ip = address_of(!i), .transport = TRANSPORT_TCP};
	tcp_conn_id id = 0;
	unsigned k = 0;

	// The same pairs come back; from both sides at once where the operand says so.
	local.port = (uint16_t)(h->next_port + operand % 3);
	remote.port = operand & 0x80 ? local.port : PORT;
	while (k < N_TALKS && h->talks[k] != 0)
		k++;
	require(k < N_TALKS);
	if (tcp_open(h->tcp, &local, &remote, MTU, (uint16_t)i, now, &id) != 0)
		return;
	h->talks[k] = id;
	h->finished[k] = false;
}

static void use(struct deeds *d, uint8_t deed, unsigned i)
{
	static const uint8_t text[4096];
	struct host *h = &hosts[i];
	uint8_t operand = next_byte(d);
	tcp_conn_id id = h->talks[operand % N_TALKS];
	uint32_t n = (uint32_t)next_byte(d) << (operand >> 4 & 4),
		 readable = tcp_readable(h->tcp, id);

	switch (deed) {
	case 0:
		open_one(i, operand);
		break;
	case 1:
		require(tcp_write(h->tcp, id, text, n) <= 0);
		break;
	case 2:
		require(tcp_peek(h->tcp, id).len <= readable);
		tcp_consume(h->tcp, id, n < readable ? n : readable);
		break;
	case 3:
		tcp_close(h->tcp, id, now);
		break;
	default:
		if (n < 16)
			tcp_abort(h->tcp, id, REASON_tcp_aborted);
		break;
	}
	take_events(h);
}

static void pass(uint64_t ns)
{
	now += ns;
	for (unsigned i = 0; i < N_HOSTS; i++) {
		tcp_timers(hosts[i].tcp, now, 64);
		take_events(&hosts[i]);
	}
}

static void check_host(struct host *h)
{
	struct tcp_usage u;
	struct tcp_status info;
	uint64_t n = 0;

	tcp_usage(h->tcp, &u);
	require(u.n_conns <= h->config.n_conns && u.n_half_open <= h->config.n_half_open &&
		u.n_time_waits <= h->config.n_time_waits && u.n_chunks <= h->config.n_chunks);
	for (int r = REASON_tcp_segment_taken; r <= REASON_tcp_replies_full; r++)
		n += h->counters[r];
	require(n == h->n_segments_in);
	for (unsigned k = 0; k < N_TALKS; k++) {
		if (h->talks[k] == 0)
			continue;
		require(tcp_describe(h->tcp, h->talks[k], &info));
		require(info.readable <= h->config.receive_bytes_max);
		require(info.unacked <= h->config.send_bytes_max);
		require(info.mss > 0 && info.cwnd_bytes > 0);
	}
}

static void do_deed(struct deeds *d)
{
	uint8_t deed = next_byte(d);
	unsigned to = deed >> 4 & 1;
	struct way *way = &ways[to];
	unsigned k = way->n > 1 && deed & 0x20 ? next_byte(d) % way->n : 0;

	if ((deed & 15) < 5) {
		use(d, deed & 15, to);
		return;
	}
	switch (deed & 15) {
	case 5:
		pass((uint64_t)next_byte(d) * 1000000 << (deed >> 5));
		return;
	case 6:
	case 7:
		flush(to, (deed & 0xe0) == 0xe0 ? TCP_OUTPUT_BARE : TCP_OUTPUT_ALL);
		return;
	case 8:
		for (unsigned n = way->n; n > 0; n--) {
			deliver(to, view_of(way->under_way[0].bytes, way->under_way[0].n_bytes));
			drop(way, 0);
		}
		return;
	default:
		break;
	}
	if (way->n_seen > 0 && (deed & 15) == 9)
		change(d, to, &way->seen[next_byte(d) % way->n_seen]);
	else if (way->n_seen > 0 && (deed & 15) == 10)
		speak_icmp(d, to, &way->seen[next_byte(d) % way->n_seen]);
	if (way->n == 0)
		return;
	if ((deed & 15) == 11) {
		drop(way, k);
	} else if ((deed & 15) == 12) {
		change(d, to, &way->under_way[k]);
	} else if ((deed & 15) > 12) {
		deliver(to, view_of(way->under_way[k].bytes, way->under_way[k].n_bytes));
		if ((deed & 15) > 13)
			drop(way, k);
	}
}

// Everyone goes, nothing is delivered any more: all must come back.
static void end(void)
{
	struct tcp_usage u;

	for (unsigned i = 0; i < N_HOSTS; i++) {
		for (unsigned k = 0; k < N_TALKS; k++)
			tcp_abort(hosts[i].tcp, hosts[i].talks[k], REASON_tcp_aborted);
		take_events(&hosts[i]);
	}
	for (unsigned n = 0; n < 400; n++) {
		pass(SECOND_NS);
		flush(0, TCP_OUTPUT_ALL);
		flush(1, TCP_OUTPUT_ALL);
	}
	for (unsigned i = 0; i < N_HOSTS; i++) {
		tcp_usage(hosts[i].tcp, &u);
		require(u.n_conns == 0 && u.n_half_open == 0 && u.n_time_waits == 0 &&
			u.n_chunks == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct deeds d = {.at = data, .left = size};

	// Clocks and sequence numbers wrap in some of them.
	now = ((uint64_t)next_byte(&d) << 44) + ((uint64_t)next_byte(&d) << 36);
	ways[0].n = ways[0].n_seen = ways[1].n = ways[1].n_seen = 0;
	host_open(0);
	host_open(1);
	for (unsigned i = 0; i < DEEDS_MAX && d.left > 0; i++) {
		do_deed(&d);
		check_host(&hosts[0]);
		check_host(&hosts[1]);
	}
	end();
	return 0;
}
