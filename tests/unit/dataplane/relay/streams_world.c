// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "control/policy/builder.h"
#include "tests/unit/dataplane/relay/streams_world.h"

#include <sys/mman.h>
#include <unistd.h>

#define MTU    1500
#define BUDGET 64
#define N_TEXT 4096

static const struct {
	const char *domain;
	enum image_list list;
	enum transport transport;
	const char *hops[2];
	const char *source;
	unsigned connections; // 0: as many as by default
} organisations[] = {
	{"local.example", IMAGE_LOCAL, TRANSPORT_TCP, {"10.0.0.10"}, "10.0.0.0/24"},
	{"local-udp.example", IMAGE_LOCAL, TRANSPORT_UDP, {"10.0.0.20"}, "10.0.0.0/24"},
	{"partner.example", IMAGE_ALLOW, TRANSPORT_TCP, {"198.51.100.10"}, "198.51.100.0/24"},
	{"single.example", IMAGE_ALLOW, TRANSPORT_TCP, {"198.51.100.10"}, "198.51.100.0/24", 1},
	{"udp.example", IMAGE_ALLOW, TRANSPORT_UDP, {"198.51.100.20"}, "198.51.100.0/24"},
	{"two.example", IMAGE_ALLOW, TRANSPORT_TCP, {"198.51.100.10", "198.51.100.30:5070"},
		"198.51.100.0/24"},
	{"twin.example", IMAGE_ALLOW, TRANSPORT_TLS, {"198.51.100.40:5061"}, "198.51.100.0/24", 1},
	{"tls.example", IMAGE_ALLOW, TRANSPORT_TLS, {"198.51.100.40:5061"}, "198.51.100.0/24", 1},
};

static struct endpoint endpoint(const char *text, enum transport transport)
{
	struct endpoint e;

	assert_int_equal(endpoint_parse(view_string(text), 5060, transport, &e), 0);
	return e;
}

static bool is_among(const char *domain, const char *const list[])
{
	for (; *list != NULL; list++) {
		if (strcmp(*list, domain) == 0)
			return true;
	}
	return false;
}

static void add_organisations(struct builder *b, const char *const blocked[])
{
	int source = builder_add_source(b, VIEW("partners"));

	for (size_t i = 0; i < sizeof(organisations) / sizeof(organisations[0]); i++) {
		image_rule_id rule = IMAGE_RULE(source, (uint32_t)i + 1), other;
		struct endpoint hops[2];
		struct ip_prefix prefix;
		enum image_list list;
		struct domain name;
		size_t n_hops = 0;
		int64_t peer;

		for (; n_hops < 2 && organisations[i].hops[n_hops] != NULL; n_hops++)
			hops[n_hops] =
				endpoint(organisations[i].hops[n_hops], organisations[i].transport);
		assert_int_equal(ip_prefix_parse(view_string(organisations[i].source), &prefix), 0);
		assert_int_equal(domain_canonical(view_string(organisations[i].domain), &name), 0);
		if (is_among(organisations[i].domain, blocked)) {
			assert_int_equal(builder_add_name(b, &name, IMAGE_BLOCK, IMAGE_PEER_NONE,
						 rule, &list, &other),
				0);
			continue;
		}
		peer = builder_add_peer(b, hops, n_hops, &prefix, 1, rule);
		assert_true(peer >= 0);
		if (organisations[i].connections > 0)
			assert_int_equal(builder_set_connections(
						 b, (uint32_t)peer, organisations[i].connections),
				0);
		assert_int_equal(builder_add_name(b, &name, organisations[i].list, (uint32_t)peer,
					 rule, &list, &other),
			0);
	}
}

// Two that are known by names: a hop's, and their own.
static void add_named(struct builder *b)
{
	image_rule_id rule = IMAGE_RULE(builder_add_source(b, VIEW("named")), 1), other;
	struct domain name, host;
	struct endpoint hop;
	enum image_list list;
	int64_t peer;

	assert_int_equal(domain_canonical(VIEW("sip.named.example"), &host), 0);
	assert_int_equal(domain_canonical(VIEW("named.example"), &name), 0);
	assert_int_equal(builder_name_hop(b, HOP_HOST, &host, 5061, TRANSPORT_TLS, &hop), 0);
	peer = builder_add_peer(b, &hop, 1, NULL, 0, rule);
	assert_true(peer >= 0);
	assert_int_equal(
		builder_add_name(b, &name, IMAGE_ALLOW, (uint32_t)peer, rule, &list, &other), 0);
	peer = builder_add_discovered(b, NULL, 0, rule);
	assert_true(peer >= 0);
	assert_int_equal(domain_canonical(VIEW("found.example"), &name), 0);
	assert_int_equal(
		builder_add_name(b, &name, IMAGE_ALLOW, (uint32_t)peer, rule, &list, &other), 0);
}

void town_publish(struct town *t, const char *const blocked[])
{
	struct town_policy *p = &t->policies[t->n_policies++];
	struct policy policy;
	const struct builder_settings settings = {
		.flags = IMAGE_FEDERATION_ON | IMAGE_SIP_ON,
		.body_bytes_max = t->sizes.body_bytes_max,
		.relay_key = "fifteen letters",
	};
	struct builder *b = builder_new(&settings);
	struct image_info info;
	const char *error;
	int fd;

	assert_true(b != NULL && t->n_policies <= TOWN_POLICIES);
	add_organisations(b, blocked);
	add_named(b);
	fd = builder_finish(b, t->n_policies, &info);
	assert_true(fd >= 0);
	builder_free(b);
	p->n_bytes = (size_t)lseek(fd, 0, SEEK_END);
	p->bytes = mmap(NULL, p->n_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(p->bytes != MAP_FAILED);
	close(fd);
	p->image = image_open(p->bytes, p->n_bytes, &error);
	assert_non_null(p->image);
	policy = (struct policy){.image = p->image};
	for (unsigned i = 0; i < t->n_workers; i++) {
		p->deciders[i] = decider_new(&policy, 64);
		assert_non_null(p->deciders[i]);
		relay_set_policy(t->workers[i].relay, p->deciders[i], p->image);
		streams_recheck(t->workers[i].streams);
	}
}

static struct tcp *new_engine(void **memory, uint64_t counters[], uint64_t now, uint64_t key)
{
	struct tcp_config config;
	struct tcp *tcp;
	size_t n;

	tcp_config_default(&config, 64);
	config.key = (struct siphash_key){key, 7};
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
	struct town *t = ((struct town_worker *)arg)->town;
	struct parcel *p;

	if (t->room != 0 && t->n_parcels >= t->room)
		return NULL;
	p = calloc(1, sizeof(*p));
	assert_non_null(p);
	p->bytes = malloc(n_bytes + 1);
	assert_non_null(p->bytes);
	p->room = (uint32_t)n_bytes;
	p->weight = t->weight > 0 ? t->weight : 1;
	t->n_parcels++;
	return p;
}

static void put(void *arg, struct parcel *p)
{
	((struct town_worker *)arg)->town->n_parcels--;
	free(p->bytes);
	free(p);
}

static void send_datagram(void *arg, struct parcel *p, bool keep)
{
	struct town *t = ((struct town_worker *)arg)->town;
	struct town_datagram *d = &t->sent[t->n_sent++];

	assert_true(t->n_sent <= TOWN_SENT);
	assert_int_equal(p->destination.transport, TRANSPORT_UDP);
	*d = (struct town_datagram){.to = p->destination, .listener = p->listener, .n = p->len};
	d->text = malloc(p->len + 1);
	memcpy(d->text, p->bytes, p->len);
	d->text[p->len] = '\0';
	if (!keep)
		put(arg, p);
}

static bool hand_over(void *arg, unsigned to, struct parcel *p)
{
	struct town *t = ((struct town_worker *)arg)->town;

	assert_true(to < t->n_workers && &t->workers[to] != arg);
	streams_take_over(t->workers[to].streams, p, t->now);
	return true;
}

// Workers take ports of their own, by which the wire knows them: even and odd ones.
static int open_conn(void *arg, uint16_t listener, const struct endpoint *remote, uint64_t *conn)
{
	struct town_worker *worker = arg;
	struct endpoint local =
		endpoint(listener == TOWN_INSIDE ? "10.0.0.1" : "192.0.2.1", TRANSPORT_TCP);

	local.port = worker->next_port;
	worker->next_port += TOWN_WORKERS;
	return tcp_open(worker->tcp, &local, remote, MTU, listener, worker->town->now, conn);
}

static bool tell_control(void *arg, const struct link_message *m, bool last)
{
	struct town_worker *worker = arg;
	struct link_message answer = {.type = LINK_TARGET_OPEN, .n_bytes = LINK_BYTES_TARGET_OPEN};

	(void)last;
	if (m->type == LINK_SESSION_OPENED)
		worker->session = m->session_opened.conn;
	if (m->type == LINK_SESSION_IS)
		worker->listed = m->session_is;
	if (m->type != LINK_TARGET_WANTED)
		return true;
	if (worker->town->refuses) {
		link_message_init(&answer, LINK_TARGET_REFUSED);
		answer.target_refused.target = m->target_wanted.target;
		answer.target_refused.retry_ms = 5000;
	} else {
		answer.target_open.target = m->target_wanted.target;
		answer.target_open.address = m->target_wanted.target.remote;
		// What all names lead to.
		if (answer.target_open.address.ip.family == IP_NAMED)
			answer.target_open.address = endpoint("198.51.100.40:5061", TRANSPORT_TLS);
	}
	// It is heard in another turn, as of control's ring; here at once, after the call that
	// asks.
	streams_hear(worker->streams, &answer, worker->town->now);
	return true;
}

static bool is_inside(enum town_listener l)
{
	return l == TOWN_INSIDE || l == TOWN_INSIDE_UDP;
}

static struct endpoint local_of(enum town_listener l)
{
	const char *ip = is_inside(l) ? "10.0.0.1" : "192.0.2.1";

	if (l == TOWN_OUTSIDE_TLS)
		return endpoint("192.0.2.1:5061", TRANSPORT_TLS);
	return endpoint(ip, l < TOWN_INSIDE_UDP ? TRANSPORT_TCP : TRANSPORT_UDP);
}

static void open_worker(struct town *t, unsigned i)
{
	static const struct view names[] = {
		{(const uint8_t *)"10.0.0.1", 8}, {(const uint8_t *)"192.0.2.1", 9}};
	struct relay_listener listeners[TOWN_LISTENERS];
	struct town_worker *worker = &t->workers[i];
	struct streams_config config;

	for (unsigned l = 0; l < TOWN_LISTENERS; l++) {
		listeners[l] = (struct relay_listener){.local = local_of((enum town_listener)l),
			.side = is_inside((enum town_listener)l) ? SIDE_INSIDE : SIDE_OUTSIDE,
			.sent_by = names[is_inside((enum town_listener)l) ? 0 : 1],
			.datagram_bytes_max = 8000};
	}
	worker->town = t;
	worker->next_port = (uint16_t)(40000 + i);
	worker->tcp = new_engine(&worker->memory, worker->counters, t->now, 100 + i);
	for (unsigned l = 0; l < TOWN_LISTENERS; l++) {
		if (transport_is_stream(listeners[l].local.transport))
			assert_int_equal(
				tcp_listen(worker->tcp, &listeners[l].local, MTU, (uint16_t)l), 0);
	}
	worker->relay = relay_new(listeners, TOWN_LISTENERS, (uint16_t)i, worker->counters);
	assert_non_null(worker->relay);
	worker->host = (struct relay_host){.arg = worker,
		.get = get,
		.put = put,
		.send_datagram = send_datagram,
		.hand_over = hand_over,
		.open = open_conn};
	streams_config_default(&config, TOWN_CONNS);
	config.n_senders = TOWN_SENDERS;
	config.relay = worker->relay;
	worker->crypto = record_crypto_new(&(struct record_crypto_config){
		.n_keys = RECORD_N_KEYS_DEFAULT, .key_records = t->sizes.key_records});
	assert_non_null(worker->crypto);
	config.crypto = worker->crypto;
	config.n_cards = 1;
	config.secure = UINT64_C(1) << TOWN_OUTSIDE_TLS;
	config.tcp = worker->tcp;
	config.host = &worker->host;
	config.counters = worker->counters;
	config.worker = i;
	config.n_workers = t->n_workers;
	config.send_bytes_max = 1 << 20;
	config.message_bytes_max = t->sizes.message_bytes_max;
	config.n_bodies = t->sizes.n_bodies;
	worker->bodies = malloc(bodies_memory_bytes(config.n_bodies) + 1);
	assert_non_null(worker->bodies);
	config.bodies = worker->bodies;
	config.n_holding = 2;
	config.rests_weight = TOWN_RESTS_WEIGHT;
	config.n_again = 5;
	config.again_of_target = 4;
	config.key = (struct siphash_key){11, 22};
	config.salt = 0x1234567800000000 + i;
	config.tell_control = tell_control;
	config.arg = worker;
	worker->streams = streams_new(&config);
	assert_non_null(worker->streams);
}

struct town *town_new(unsigned n_workers)
{
	return town_new_with_keys(n_workers, 0);
}

struct town *town_new_with_keys(unsigned n_workers, uint64_t key_records)
{
	const struct town_sizes sizes = {
		.message_bytes_max = 64000, .body_bytes_max = 100000, .key_records = key_records};

	return town_new_of(n_workers, &sizes);
}

struct town *town_new_of(unsigned n_workers, const struct town_sizes *sizes)
{
	static const char *const servers[] = {
		"10.0.0.10", "198.51.100.10", "198.51.100.30:5070", "198.51.100.40:5061"};
	static const char *const nobody[] = {NULL};
	struct town *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->now = 1000 * TOWN_MS;
	t->n_workers = n_workers;
	t->sizes = *sizes;
	t->next_port = 20000;
	t->peers_tcp = new_engine(&t->peers_memory, t->peers_counters, t->now, 1);
	for (unsigned s = 0; s < sizeof(servers) / sizeof(servers[0]); s++) {
		struct endpoint local = endpoint(servers[s], TRANSPORT_TCP);

		assert_int_equal(tcp_listen(t->peers_tcp, &local, MTU, (uint16_t)s), 0);
	}
	for (unsigned i = 0; i < n_workers; i++)
		open_worker(t, i);
	town_publish(t, nobody);
	return t;
}

void town_free(struct town *t)
{
	for (unsigned i = 0; i < t->n_workers; i++) {
		streams_free(t->workers[i].streams);
		record_crypto_free(t->workers[i].crypto);
		relay_free(t->workers[i].relay);
		free(t->workers[i].memory);
		free(t->workers[i].bodies);
	}
	// Every parcel was written, sent or given back.
	assert_int_equal(t->n_parcels, 0);
	for (unsigned i = 0; i < t->n_peers; i++)
		free(t->peers[i].text);
	for (unsigned i = 0; i < t->n_sent; i++)
		free(t->sent[i].text);
	for (unsigned i = 0; i < t->n_policies; i++) {
		for (unsigned w = 0; w < t->n_workers; w++)
			decider_free(t->policies[i].deciders[w]);
		image_close(t->policies[i].image);
		munmap(t->policies[i].bytes, t->policies[i].n_bytes);
	}
	free(t->peers_memory);
	free(t);
}

// The wire, without loss.
static void carry(struct town *t, struct tcp *from, bool from_peers)
{
	struct tcp_packet packet;

	while (tcp_output(from, t->now, TCP_OUTPUT_ALL, 0, &packet)) {
		uint8_t bytes[TCP_HEADER_BYTES_MAX + MTU];
		size_t n = packet.header_bytes;
		struct tcp_segment s;
		uint16_t port;

		memcpy(bytes, packet.header, n);
		for (unsigned i = 0; i < packet.n_parts; i++) {
			memcpy(bytes + n, packet.parts[i].at, packet.parts[i].len);
			n += packet.parts[i].len;
		}
		assert_int_equal(tcp_segment_parse(view_of(bytes, n), &s), REASON_none);
		s.remote.ip = packet.local;
		s.local.ip = packet.remote;
		port = s.local.port == 5060 || s.local.port == 5061 ? s.remote.port : s.local.port;
		tcp_input_burst(from_peers ? t->workers[port % t->n_workers].tcp : t->peers_tcp, &s,
			1, t->now);
	}
}

static struct town_peer *peer_of(struct town *t, const struct tcp_event *event)
{
	struct tcp_status status;
	struct town_peer *p;

	for (unsigned i = 0; i < t->n_peers; i++) {
		if (t->peers[i].id == event->conn)
			return &t->peers[i];
	}
	assert_true(t->n_peers < TOWN_PEERS);
	p = &t->peers[t->n_peers++];
	p->id = event->conn;
	p->accepted = true;
	if (tcp_describe(t->peers_tcp, p->id, &status))
		p->local = status.local;
	p->text = calloc(1, 1);
	assert_non_null(p->text);
	return p;
}

static void read_peer(struct town *t, struct town_peer *p)
{
	uint32_t n = p->deaf ? 0 : tcp_readable(t->peers_tcp, p->id);

	if (p->n + n >= p->room) {
		p->room = 2 * (p->n + n) + 1;
		p->text = realloc(p->text, p->room);
		assert_non_null(p->text);
	}
	assert_int_equal(tcp_copy(t->peers_tcp, p->id, 0, (uint8_t *)p->text + p->n, n), n);
	tcp_consume(t->peers_tcp, p->id, n);
	p->n += n;
	p->text[p->n] = '\0';
}

static void play_peers(struct town *t)
{
	struct tcp_event event;

	while (tcp_next_event(t->peers_tcp, &event)) {
		struct town_peer *p = peer_of(t, &event);

		p->closed = p->closed || (event.what & TCP_CLOSED) != 0;
		p->finished = p->finished || (event.what & TCP_PEER_FINISHED) != 0;
	}
	for (unsigned i = 0; i < t->n_peers; i++)
		read_peer(t, &t->peers[i]);
}

static void step(struct town *t)
{
	for (unsigned i = 0; i < t->n_workers; i++) {
		struct town_worker *worker = &t->workers[i];

		tcp_timers(worker->tcp, t->now, BUDGET);
		for (unsigned n = 0; n < 100 && streams_poll(worker->streams, t->now); n++)
			;
		streams_timers(worker->streams, t->now, BUDGET);
	}
	for (unsigned i = 0; i < t->n_workers; i++)
		carry(t, t->workers[i].tcp, false);
	tcp_timers(t->peers_tcp, t->now, BUDGET);
	play_peers(t);
	carry(t, t->peers_tcp, true);
}

void town_run(struct town *t, unsigned ms)
{
	for (; ms > 0; ms--) {
		t->now += TOWN_MS;
		step(t);
	}
}

struct town_peer *town_connect(
	struct town *t, const char *ip, enum town_listener listener, unsigned worker)
{
	struct endpoint local = endpoint(ip, TRANSPORT_TCP);
	struct endpoint remote = local_of(listener);
	struct town_peer *p = &t->peers[t->n_peers];

	assert_true(t->n_peers < TOWN_PEERS);
	t->next_port = (uint16_t)(t->next_port + TOWN_WORKERS);
	local.port = (uint16_t)(t->next_port + worker);
	p->local = local;
	assert_int_equal(tcp_open(t->peers_tcp, &local, &remote, MTU, 0, t->now, &p->id), 0);
	p->text = calloc(1, 1);
	assert_non_null(p->text);
	t->n_peers++;
	town_run(t, 5);
	assert_false(p->closed);
	return p;
}

struct town_peer *town_accepted(struct town *t, const char *ip, unsigned n)
{
	struct endpoint local = endpoint(ip, TRANSPORT_TCP);

	for (unsigned i = 0; i < t->n_peers; i++) {
		if (t->peers[i].accepted && endpoint_equal(&t->peers[i].local, &local) && n-- == 0)
			return &t->peers[i];
	}
	return NULL;
}

void town_say_bytes(struct town *t, struct town_peer *p, const void *bytes, size_t n)
{
	assert_int_equal(tcp_write(t->peers_tcp, p->id, bytes, (uint32_t)n), 0);
	carry(t, t->peers_tcp, true);
}

void town_say_all(struct town *t, struct town_peer *p, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	while (n > 0) {
		uint32_t room = tcp_room(t->peers_tcp, p->id);
		size_t piece = room < n ? room : n;

		if (piece > 0)
			town_say_bytes(t, p, at, piece);
		at += piece;
		n -= piece;
		town_run(t, 1);
	}
}

void town_say(struct town *t, struct town_peer *p, const char *text)
{
	town_say_bytes(t, p, text, strlen(text));
}

void town_finish(struct town *t, struct town_peer *p)
{
	tcp_close(t->peers_tcp, p->id, t->now);
}

void town_abort(struct town *t, struct town_peer *p)
{
	tcp_abort(t->peers_tcp, p->id, REASON_tcp_aborted);
}

void town_datagram(struct town *t, unsigned worker, enum town_listener listener, const char *source,
	const char *text)
{
	struct town_worker *w = &t->workers[worker];
	struct parcel *p = get(w, strlen(text) + RELAY_GROWTH_BYTES);
	struct relay_in in = {.payload = view_string(text),
		.source = endpoint(source, TRANSPORT_UDP),
		.listener = (uint16_t)listener};
	struct relay_out out = {.bytes = p->bytes, .room = p->room};

	relay_burst(w->relay, &in, &out, 1);
	if (out.len == 0) {
		put(w, p);
		return;
	}
	parcel_describe(p, &out);
	if (out.conn == 0 && out.destination.transport == TRANSPORT_UDP)
		send_datagram(w, p, false);
	else
		streams_take(w->streams, p, t->now);
}

const char *town_request(const char *method, const char *from, const char *to, const char *via,
	unsigned cseq, const char *body)
{
	static char texts[4][N_TEXT];
	static unsigned next;
	char *text = texts[next++ % 4];

	snprintf(text, N_TEXT,
		"%s sip:b@%s SIP/2.0\r\n"
		"Via: SIP/2.0/%s;branch=z9hG4bK%u\r\n"
		"From: <sip:a@%s>;tag=1\r\n"
		"To: <sip:b@%s>\r\n"
		"Call-ID: %u\r\n"
		"CSeq: %u %s\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		method, to, via, cseq, from, to, cseq, cseq, method, strlen(body), body);
	return text;
}

const char *town_response(const char *request, const char *status)
{
	static char text[N_TEXT];
	const char *fields = strstr(request, "\r\n") + 2, *end = strstr(fields, "Content-Length:");
	const char *max = strstr(fields, "Max-Forwards:");

	if (max != NULL && max < end)
		snprintf(text, sizeof(text), "SIP/2.0 %s\r\n%.*s%.*sContent-Length: 0\r\n\r\n",
			status, (int)(max - fields), fields, (int)(end - strstr(max, "\r\n") - 2),
			strstr(max, "\r\n") + 2);
	else
		snprintf(text, sizeof(text), "SIP/2.0 %s\r\n%.*sContent-Length: 0\r\n\r\n", status,
			(int)(end - fields), fields);
	return text;
}

uint64_t town_counter(const struct town *t, enum reason reason)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < t->n_workers; i++)
		n += t->workers[i].counters[reason];
	return n;
}

unsigned town_count(const char *hay, const char *needle)
{
	unsigned n = 0;

	for (; (hay = strstr(hay, needle)) != NULL; hay += strlen(needle))
		n++;
	return n;
}
