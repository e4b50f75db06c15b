// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "tests/unit/dataplane/relay/egress_world.h"

#include <errno.h>

#define MTU      1500
#define PAYLOAD  1460
#define SIP_PORT 5060
#define BUDGET   64

static struct ip_addr worker_ip(void)
{
	struct ip_addr ip;

	assert_int_equal(ip_parse(view_string("192.0.2.1"), &ip), 0);
	return ip;
}

struct endpoint world_partner(unsigned n)
{
	struct endpoint e;
	char text[32];

	snprintf(text, sizeof(text), "198.51.100.%u", 10 + n);
	assert_int_equal(endpoint_parse(view_string(text), SIP_PORT, TRANSPORT_TCP, &e), 0);
	return e;
}

static unsigned partner_of(const struct ip_addr *ip)
{
	return ip->bytes[3] - 10u;
}

static struct tcp *new_engine(
	void **memory, uint32_t n_chunks, uint64_t counters[], uint64_t now, uint64_t key)
{
	struct tcp_config config;
	struct tcp *tcp;
	size_t n;

	tcp_config_default(&config, 64);
	config.key = (struct siphash_key){key, 7};
	config.send_bytes_max = 64 << 10;
	config.receive_bytes_max = 16 << 10;
	config.n_chunks = n_chunks;
	n = tcp_memory_bytes(&config);
	*memory = aligned_alloc(64, (n + 63) & ~(size_t)63);
	assert_non_null(*memory);
	memset(*memory, 0, n);
	tcp = tcp_init(*memory, &config, counters, now);
	assert_non_null(tcp);
	return tcp;
}

// The host.

static struct parcel *get(void *arg, size_t n_bytes)
{
	struct world_worker *worker = arg;
	struct parcel *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->bytes = malloc(n_bytes + 1);
	p->room = (uint32_t)n_bytes;
	p->weight = 1;
	worker->world->n_parcels++;
	return p;
}

static void put(void *arg, struct parcel *p)
{
	struct world_worker *worker = arg;

	worker->world->n_parcels--;
	free(p->bytes);
	free(p);
}

static bool hand_over(void *arg, unsigned to, struct parcel *p)
{
	struct world *w = ((struct world_worker *)arg)->world;

	if (w->ring_full)
		return false;
	egress_take(w->workers[to].egress, p, w->now);
	return true;
}

// Workers take ports of their own, by which the wire knows them: even and odd ones.
static int open_conn(void *arg, uint16_t listener, const struct endpoint *remote, uint64_t *conn)
{
	struct world_worker *worker = arg;
	struct endpoint local = {.ip = worker_ip(), .transport = TRANSPORT_TCP};

	if (worker->world->no_ports)
		return -EADDRNOTAVAIL;
	local.port = worker->next_port;
	worker->next_port += WORLD_WORKERS;
	return tcp_open(worker->tcp, &local, remote, MTU, listener, worker->world->now, conn);
}

static void refuse(void *arg, struct parcel *p, enum reason reason, uint64_t now)
{
	struct world_worker *worker = arg;
	struct world *w = worker->world;

	(void)now;
	assert_false(p->is_response);
	assert_true(w->n_refused < WORLD_MESSAGES);
	snprintf(w->refused_text[w->n_refused], sizeof(w->refused_text[0]), "%.*s",
		(int)(p->len < 7 ? p->len : 7), (const char *)p->bytes);
	w->refused[w->n_refused++] = reason;
	put(worker, p);
}

static bool has_hop(void *arg, const struct endpoint *remote, struct view domain)
{
	unsigned n = partner_of(&remote->ip);

	(void)domain;
	return n >= WORLD_PARTNERS || !((struct world_worker *)arg)->world->withdrawn[n];
}

static bool tell_control(void *arg, const struct link_message *m)
{
	struct world_worker *worker = arg;
	struct world *w = worker->world;

	if (w->away)
		return false;
	assert_null(link_message_check(m, LINK_TO_CONTROL, 0));
	assert_true(w->n_told < WORLD_MESSAGES);
	w->told_worker[w->n_told] = (unsigned)(worker - w->workers);
	link_message_copy(&w->told[w->n_told++], m);
	return true;
}

// Of messages without bodies: there never is one.
static struct backlogs *new_backlogs(struct world_worker *worker)
{
	struct backlogs_config config;
	struct backlogs *b;

	backlogs_config_default(&config);
	config.tcp = worker->tcp;
	config.sessions = worker->sessions;
	config.host = &worker->host;
	config.counters = worker->counters;
	b = backlogs_new(&config);
	assert_non_null(b);
	return b;
}

static void open_worker(
	struct world *w, unsigned i, uint32_t n_chunks, void (*change)(struct egress_config *))
{
	struct world_worker *worker = &w->workers[i];
	struct egress_config config = {0};

	worker->world = w;
	worker->next_port = (uint16_t)(40000 + i);
	worker->tcp = new_engine(&worker->memory, n_chunks, worker->counters, w->now, 100 + i);
	worker->host = (struct relay_host){
		.arg = worker, .get = get, .put = put, .hand_over = hand_over, .open = open_conn};
	egress_config_default(&config);
	worker->crypto =
		record_crypto_new(&(struct record_crypto_config){.n_keys = RECORD_N_KEYS_DEFAULT});
	assert_non_null(worker->crypto);
	worker->sessions = sessions_new(&(struct sessions_config){.tcp = worker->tcp,
		.crypto = worker->crypto,
		.n_conns = WORLD_CONNS,
		.n_cards = 1,
		.counters = worker->counters});
	assert_non_null(worker->sessions);
	config.tcp = worker->tcp;
	config.sessions = worker->sessions;
	worker->backlogs = new_backlogs(worker);
	config.backlogs = worker->backlogs;
	config.send_bytes_max = 64 << 10;
	config.waiting_bytes = 64 << 10;
	config.host = &worker->host;
	config.counters = worker->counters;
	config.worker = i;
	config.n_workers = w->n_workers;
	config.key = (struct siphash_key){11, 22};
	config.refuse = refuse;
	config.tell_control = tell_control;
	config.has_hop = has_hop;
	config.arg = worker;
	if (change != NULL)
		change(&config);
	worker->egress = egress_new(&config);
	assert_non_null(worker->egress);
}

struct world *world_new(
	unsigned n_workers, uint32_t n_chunks, void (*change)(struct egress_config *))
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->now = 1000 * WORLD_MS;
	w->n_workers = n_workers;
	w->answers = true;
	for (unsigned i = 0; i < n_workers; i++)
		open_worker(w, i, n_chunks, change);
	w->partner = new_engine(&w->partner_memory, WORLD_CHUNKS, w->partner_counters, w->now, 1);
	for (unsigned n = 0; n < WORLD_PARTNERS; n++) {
		struct endpoint local = world_partner(n);

		w->reads[n] = true;
		assert_int_equal(tcp_listen(w->partner, &local, MTU, (uint16_t)n), 0);
	}
	return w;
}

void world_free(struct world *w)
{
	for (unsigned i = 0; i < w->n_workers; i++) {
		egress_free(w->workers[i].egress);
		backlogs_free(w->workers[i].backlogs);
		sessions_free(w->workers[i].sessions);
		record_crypto_free(w->workers[i].crypto);
		free(w->workers[i].memory);
	}
	// Every parcel was written, refused or given back.
	assert_int_equal(w->n_parcels, 0);
	for (unsigned i = 0; i < w->n_conns; i++)
		free(w->conns[i]);
	free(w->partner_memory);
	free(w);
}

// The wire: no loss but of what is sent to those that are silent.
static void carry(struct world *w, struct tcp *from, bool from_partner)
{
	struct tcp_packet packet;

	while (tcp_output(from, w->now, TCP_OUTPUT_ALL, PAYLOAD, &packet)) {
		uint8_t bytes[TCP_HEADER_BYTES_MAX + PAYLOAD];
		size_t n = packet.header_bytes;
		struct tcp_segment s;
		struct tcp *to;

		memcpy(bytes, packet.header, n);
		for (unsigned i = 0; i < packet.n_parts; i++) {
			memcpy(bytes + n, packet.parts[i].at, packet.parts[i].len);
			n += packet.parts[i].len;
		}
		assert_int_equal(tcp_segment_parse(view_of(bytes, n), &s), REASON_none);
		s.remote.ip = packet.local;
		s.local.ip = packet.remote;
		to = from_partner ? w->workers[s.local.port % WORLD_WORKERS].tcp : w->partner;
		if (from_partner || partner_of(&packet.remote) >= WORLD_PARTNERS ||
			!w->silent[partner_of(&packet.remote)])
			tcp_input_burst(to, &s, 1, w->now);
	}
}

void world_carry(struct world *w)
{
	carry(w, w->partner, true);
}

static struct world_conn *conn_of(struct world *w, const struct tcp_event *event)
{
	for (unsigned i = 0; i < w->n_conns; i++) {
		if (w->conns[i]->id == event->conn)
			return w->conns[i];
	}
	assert_true(w->n_conns < WORLD_CONNS);
	w->conns[w->n_conns] = calloc(1, sizeof(struct world_conn));
	w->conns[w->n_conns]->id = event->conn;
	w->conns[w->n_conns]->partner = event->listener;
	return w->conns[w->n_conns++];
}

static void read_all(struct world *w, struct world_conn *c)
{
	uint32_t n;

	while (w->reads[c->partner] && (n = tcp_readable(w->partner, c->id)) > 0) {
		assert_true(c->n + n < WORLD_TEXT);
		assert_int_equal(tcp_copy(w->partner, c->id, 0, (uint8_t *)c->text + c->n, n), n);
		c->n += n;
		tcp_consume(w->partner, c->id, n);
	}
}

static void play_partners(struct world *w)
{
	struct tcp_event event;

	while (tcp_next_event(w->partner, &event)) {
		struct world_conn *c = conn_of(w, &event);

		if ((event.what & TCP_OPENED) != 0)
			c->open = true;
		read_all(w, c);
		if ((event.what & TCP_PEER_FINISHED) != 0)
			tcp_close(w->partner, c->id, w->now);
		if ((event.what & (TCP_CLOSED | TCP_PEER_FINISHED)) != 0)
			c->open = false;
	}
	for (unsigned i = 0; i < w->n_conns; i++)
		read_all(w, w->conns[i]);
}

static void play_worker(struct world *w, struct world_worker *worker)
{
	struct tcp_event event;

	while (tcp_next_event(worker->tcp, &event)) {
		assert_true((event.user & EGRESS_USER) != 0);
		egress_event(worker->egress, &event, w->now);
	}
	egress_timers(worker->egress, w->now, BUDGET);
}

static void hear(struct world *w, unsigned told, struct link_message *m)
{
	assert_null(link_message_check(m, LINK_TO_WORKER, 0));
	egress_hear(w->workers[w->told_worker[told]].egress, m, w->now);
}

static unsigned last_told(const struct world *w, enum link_type type)
{
	unsigned i = w->n_told;

	while (i > 0 && w->told[i - 1].type != type)
		i--;
	assert_true(i > 0);
	return i - 1;
}

static void allow(struct world *w, unsigned told)
{
	struct link_message m = {.type = LINK_TARGET_OPEN, .n_bytes = LINK_BYTES_TARGET_OPEN};

	m.target_open.target = w->told[told].target_wanted.target;
	m.target_open.address = m.target_open.target.remote;
	hear(w, told, &m);
}

static void play_control(struct world *w)
{
	for (; w->n_answered < w->n_told; w->n_answered++) {
		if (w->told[w->n_answered].type == LINK_TARGET_WANTED)
			allow(w, w->n_answered);
	}
}

void world_run(struct world *w, unsigned ms)
{
	for (; ms > 0; ms--) {
		w->now += WORLD_MS;
		for (unsigned i = 0; i < w->n_workers; i++) {
			tcp_timers(w->workers[i].tcp, w->now, BUDGET);
			play_worker(w, &w->workers[i]);
		}
		if (w->answers && !w->away)
			play_control(w);
		for (unsigned i = 0; i < w->n_workers; i++)
			carry(w, w->workers[i].tcp, false);
		tcp_timers(w->partner, w->now, BUDGET);
		play_partners(w);
		carry(w, w->partner, true);
	}
}

struct parcel *world_parcel(struct world *w, unsigned n, enum parcel_kind kind, uint32_t pair,
	unsigned slots, const char *text, size_t len)
{
	struct parcel *p = get(&w->workers[0], len + LINK_NAME_BYTES_MAX);

	p->len = (uint32_t)len;
	memset(p->bytes, '.', len);
	memcpy(p->bytes, text, strnlen(text, len));
	p->destination = world_partner(n);
	p->kind = (uint8_t)kind;
	p->pair_hash = pair;
	p->n_slots = (uint8_t)slots;
	return p;
}

void world_send_parcel(struct world *w, struct parcel *p)
{
	egress_send(w->workers[0].egress, p, w->now);
}

void world_send(struct world *w, unsigned n, enum parcel_kind kind, uint32_t pair, unsigned slots,
	const char *text)
{
	world_send_parcel(w, world_parcel(w, n, kind, pair, slots, text, strlen(text)));
}

unsigned world_count_told(const struct world *w, enum link_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_told; i++)
		n += w->told[i].type == type;
	return n;
}

const struct link_message *world_last_told(const struct world *w, enum link_type type)
{
	return &w->told[last_told(w, type)];
}

void world_open(struct world *w)
{
	allow(w, last_told(w, LINK_TARGET_WANTED));
}

void world_refuse(struct world *w, uint32_t retry_ms)
{
	unsigned told = last_told(w, LINK_TARGET_WANTED);
	struct link_message m = {.type = LINK_TARGET_REFUSED, .n_bytes = LINK_BYTES_TARGET_REFUSED};

	m.target_refused.target = w->told[told].target_wanted.target;
	m.target_refused.retry_ms = retry_ms;
	hear(w, told, &m);
}

const char *world_read(struct world *w, unsigned n)
{
	static char text[WORLD_TEXT];
	size_t len = 0;

	for (unsigned i = 0; i < w->n_conns; i++) {
		const struct world_conn *c = w->conns[i];

		if (c->partner != n)
			continue;
		assert_true(len + c->n < sizeof(text));
		memcpy(text + len, c->text, c->n);
		len += c->n;
	}
	text[len] = '\0';
	return text;
}

unsigned world_n_conns(const struct world *w, unsigned n)
{
	unsigned n_open = 0;

	for (unsigned i = 0; i < w->n_conns; i++)
		n_open += w->conns[i]->partner == n && w->conns[i]->open;
	return n_open;
}

void world_reset(struct world *w, unsigned n)
{
	for (unsigned i = 0; i < w->n_conns; i++) {
		if (w->conns[i]->partner == n && w->conns[i]->open)
			tcp_abort(w->partner, w->conns[i]->id, REASON_tcp_aborted);
	}
}

void world_finish(struct world *w, unsigned n)
{
	for (unsigned i = 0; i < w->n_conns; i++) {
		if (w->conns[i]->partner == n && w->conns[i]->open)
			tcp_close(w->partner, w->conns[i]->id, w->now);
	}
}

uint64_t world_counter(const struct world *w, enum reason reason)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < w->n_workers; i++)
		n += w->workers[i].counters[reason];
	return n;
}

struct egress_usage world_usage(const struct world *w)
{
	struct egress_usage sum = {0}, one;

	for (unsigned i = 0; i < w->n_workers; i++) {
		egress_usage(w->workers[i].egress, &one);
		sum.n_slots += one.n_slots;
		sum.n_up += one.n_up;
		sum.n_waiting += one.n_waiting;
	}
	return sum;
}
