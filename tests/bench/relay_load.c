// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/relay_load.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <stdlib.h>
#include <unistd.h>

// Longer than most of what core 0 is away for, or takes for a turn. Over TCP no longer than the
// relay's send buffers to one server allow at half load: acknowledgements take as long.
#define UDP_WIRE_MS 1.0
#define TCP_WIRE_MS 0.25
// Until probes that a silence provoked, and what they cost of the congestion window, are forgotten.
#define GRACE_WIRES 80

// Between two runs. Threads with real-time priority are taken off their cores for 50 ms in each
// second in which nobody else had them.
#define REST_MS   100
#define SETTLE_MS 5

#define THROUGH_TURNS_MAX 50000000
#define END_PACKETS       65536

// What a Call-ID of fedload's has behind its 32 digits.
static const char mark[] = "@fedload";
#define MARK_BYTES   (sizeof(mark) - 1)
#define DIGITS_BYTES 32
#define ID_DIGITS    16

#define MESSAGES_A_FRAME 16 // none is shorter than 92 bytes

__attribute__((noreturn)) static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "bench: load: %s: %s\n", what, why);
	exit(1);
}

static uint64_t read_id(const uint8_t *digits)
{
	uint64_t id = 0;

	for (unsigned i = 0; i < ID_DIGITS; i++)
		id = id << 4 |
			(uint64_t)(digits[i] <= '9' ? digits[i] - '0' : digits[i] - 'a' + 10);
	return id;
}

// Looks for the next Call-ID of fedload's from *at on; first where the last one was. *at is behind
// it then.
static bool find_id(const struct rte_mbuf *m, size_t *at, size_t *likely, uint64_t *id)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *), *found = NULL;
	size_t n = rte_pktmbuf_data_len(m);

	if (*at == 0 && *likely != 0 && *likely + MARK_BYTES <= n &&
		memcmp(bytes + *likely, mark, MARK_BYTES) == 0)
		found = bytes + *likely;
	else if (*at < n)
		found = memmem(bytes + *at, n - *at, mark, MARK_BYTES);
	if (found == NULL || found - bytes < DIGITS_BYTES)
		return false;
	if (*at == 0)
		*likely = (size_t)(found - bytes);
	*at = (size_t)(found - bytes) + MARK_BYTES;
	*id = read_id(found - DIGITS_BYTES);
	return true;
}

static struct relay_load_times *times_of(struct relay_load *l, unsigned kind, uint64_t id)
{
	return &l->times[kind][asked_number(id) & (RELAY_LOAD_MESSAGES - 1)];
}

// When a request is to be at the relay: by its due, which is in nanoseconds of the same clock. A
// full burst leaves before its last request is noted: that one's is as good as the one before.
static uint64_t arrival_of_request(struct relay_load *l, uint64_t id, uint64_t now)
{
	const struct load *caller = l->ends[RELAY_LOAD_CALLER].load;
	uint64_t due_ns, late_ns;

	if (load_due(caller, id, &due_ns)) {
		late_ns = load_now_ns(caller) - due_ns;
		l->last_planned = now + l->wire_ticks -
			(uint64_t)((double)late_ns * 1e-9 * (double)rte_get_tsc_hz());
	}
	return l->last_planned;
}

static uint64_t arrival_of_answer(struct relay_load *l, uint64_t id, uint64_t now)
{
	uint64_t planned = times_of(l, RELAY_LOAD_REQUEST, id)->planned;

	return planned != 0 ? planned + 2 * l->wire_ticks : now + l->wire_ticks;
}

// A frame to the relay arrives when the last of its messages is to.
static uint16_t plan(
	uint16_t port, uint16_t queue, struct rte_mbuf *frames[], uint16_t n, void *arg)
{
	struct relay_load_end *e = arg;
	struct relay_load *l = e->all;
	const bool calls = e == &l->ends[RELAY_LOAD_CALLER];
	const uint64_t now = rte_rdtsc();

	(void)port;
	(void)queue;
	for (unsigned i = 0; i < n; i++) {
		struct relay_load_times *messages[MESSAGES_A_FRAME];
		unsigned n_messages = 0;
		uint64_t arrival = now, id;
		size_t at = 0;

		while (n_messages < MESSAGES_A_FRAME && find_id(frames[i], &at, &e->sent_at, &id)) {
			arrival = calls ? arrival_of_request(l, id, now)
					: arrival_of_answer(l, id, now);
			messages[n_messages++] =
				times_of(l, calls ? RELAY_LOAD_REQUEST : RELAY_LOAD_ANSWER, id);
			if (calls && !l->began)
				l->first = asked_number(id);
			l->began |= calls;
		}
		slow_wire_stamp(frames[i], arrival, now);
		while (n_messages > 0) {
			struct relay_load_times *t = messages[--n_messages];

			t->again |= t->planned != 0;
			t->planned = arrival;
			t->arrived = RTE_MAX(arrival, now);
		}
	}
	return n;
}

static uint16_t note(uint16_t port, uint16_t queue, struct rte_mbuf *frames[], uint16_t n,
	uint16_t n_max, void *arg)
{
	struct relay_load_end *e = arg;
	const unsigned kind =
		e == &e->all->ends[RELAY_LOAD_CALLER] ? RELAY_LOAD_ANSWER : RELAY_LOAD_REQUEST;

	(void)port;
	(void)queue;
	(void)n_max;
	for (unsigned i = 0; i < n; i++) {
		size_t at = 0;
		uint64_t id;

		while (find_id(frames[i], &at, &e->received_at, &id))
			times_of(e->all, kind, id)->left = slow_wire_departure(frames[i]);
	}
	return n;
}

static void open_end(struct relay_load *l, unsigned i, enum transport transport)
{
	static const char *const names[] = {"caller", "callee"},
				 *const devices[] = {"net_ring_caller", "net_ring_callee"},
				 *const addresses[] = {"192.0.2.2/24", "10.10.0.2/24"};
	const unsigned port = i == RELAY_LOAD_CALLER ? RELAY_WORLD_OUTSIDE : RELAY_WORLD_INSIDE;
	struct load_map_config config = {.device = devices[i],
		.address = addresses[i],
		.port = 5060,
		.n_packets = END_PACKETS,
		.n_conns = RELAY_LOAD_CONNS,
		.transport = transport};
	struct relay_load_end *e = &l->ends[i];
	char error[CORE_MAP_ERROR_BYTES] = "no memory";
	struct errors errors;

	e->all = l;
	errors_init(&errors, "bench");
	if (load_map(&config, &e->map, &errors) < 0)
		give_up("core map", errors.text[0]);
	if (rte_eth_from_rings(names[i], &l->world->tx[port], 1, &l->world->rx[port], 1, 0) < 0 ||
		pools_open(&e->pools, 1 + i, 0, e->map.n_packets) < 0 ||
		ports_open(&e->map, &e->pools, &e->port, error) < 0)
		give_up("ports", error);
	if (rte_eth_add_tx_callback(e->port.id, 0, plan, e) == NULL ||
		rte_eth_add_rx_callback(e->port.id, 0, note, e) == NULL)
		give_up("ports", "no callbacks");
}

static void open_load(struct relay_load *l, unsigned i)
{
	struct relay_load_end *e = &l->ends[i];
	struct load_config config = {.map = &e->map,
		.port = &e->port,
		.pools = &e->pools,
		.n_conns = RELAY_LOAD_CONNS,
		.mix = MIX_MESSAGE,
		.from_domain = RELAY_WORLD_LOAD_DOMAIN,
		.to_domain = TRAFFIC_LOCAL_DOMAIN,
		.n_domains = RELAY_LOAD_DOMAINS};

	if (i == RELAY_LOAD_CALLER) {
		config.target = (struct endpoint){
			.ip = {.bytes = {192, 0, 2, 1}, .family = IP_V4}, .port = 5060};
		config.target.transport = e->map.listeners[0].local.transport;
	}
	e->load = load_new(&config);
	if (e->load == NULL)
		give_up("fedload", strerror(errno));
}

static void get_through(struct relay_load *l)
{
	const struct load *caller = l->ends[RELAY_LOAD_CALLER].load;
	unsigned n = 0;

	while (!load_is_through(caller)) {
		if (n++ == THROUGH_TURNS_MAX)
			give_up("caller", "nothing comes back");
		if (l->world->control != NULL && n % 1024 == 0)
			control_end_answer(l->world->control);
		relay_load_turn(l);
	}
}

struct relay_load *relay_load_open(enum transport transport, uint32_t n_names)
{
	return relay_load_open_with(
		&(struct relay_load_config){.transport = transport, .n_names = n_names});
}

static double wire_ms(const struct relay_load_config *config)
{
	if (config->wire_ms > 0)
		return config->wire_ms;
	return config->transport == TRANSPORT_TCP ? TCP_WIRE_MS : UDP_WIRE_MS;
}

struct relay_load *relay_load_open_with(const struct relay_load_config *config)
{
	const enum transport transport = config->transport;
	struct relay_load *l = calloc(1, sizeof(*l));
	size_t n_bytes;
	int fd;

	if (l == NULL)
		give_up("open", "no memory");
	for (unsigned k = 0; k < RELAY_LOAD_KINDS; k++) {
		l->times[k] = calloc(RELAY_LOAD_MESSAGES, sizeof(*l->times[k]));
		if (l->times[k] == NULL)
			give_up("open", "no memory");
	}
	l->world =
		relay_world_open_deep(1, config->tls ? TRANSPORT_TLS : transport, SLOW_WIRE_FRAMES);
	l->world->worker->idle = IDLE_POLL;
	fd = relay_world_load_image(config->n_names, transport, &n_bytes);
	relay_world_publish(l->world, fd, n_bytes, 1);
	close(fd);
	l->wire.world = l->world;
	slow_wire_open(&l->wire);
	l->wire_ticks = (uint64_t)(wire_ms(config) * 1e-3 * (double)rte_get_tsc_hz());
	l->grace_ticks = transport == TRANSPORT_TCP ? GRACE_WIRES * l->wire_ticks : 0;
	for (unsigned i = 0; i < RELAY_LOAD_ENDS; i++)
		open_end(l, i, transport);
	for (unsigned i = 0; i < RELAY_LOAD_ENDS; i++)
		open_load(l, i);
	get_through(l);
	return l;
}

void relay_load_close(struct relay_load *l)
{
	slow_wire_close(&l->wire);
	for (unsigned i = 0; i < RELAY_LOAD_ENDS; i++) {
		load_free(l->ends[i].load);
		ports_close(&l->ends[i].map, &l->ends[i].port);
	}
	for (unsigned i = 0; i < RELAY_LOAD_ENDS; i++)
		pools_close(&l->ends[i].pools);
	relay_world_close(l->world);
	for (unsigned k = 0; k < RELAY_LOAD_KINDS; k++)
		free(l->times[k]);
	free(l);
}

void relay_load_start_worker(struct relay_load *l)
{
	slow_wire_begin(&l->wire);
	atomic_store(&l->world->worker->stop, false);
	if (rte_eal_remote_launch(worker_run, l->world->worker, 1) < 0)
		give_up("worker", "does not launch");
	l->runs = true;
}

void relay_load_stop_worker(struct relay_load *l)
{
	atomic_store(&l->world->worker->stop, true);
	rte_eal_mp_wait_lcore();
	slow_wire_end(&l->wire);
	l->runs = false;
}

static void watch_gap(struct relay_load *l)
{
	const uint64_t now = rte_rdtsc();

	if (now - l->last_turn > l->wire_ticks / 2 && l->n_gaps < RELAY_LOAD_GAPS)
		l->gaps[l->n_gaps++] = (struct slow_wire_span){.start = l->last_turn,
			.end = now + l->grace_ticks,
			.cause = SLOW_WIRE_LATE};
	l->last_turn = now;
}

void relay_load_turn(struct relay_load *l)
{
	watch_gap(l);
	for (unsigned i = 0; i < RELAY_LOAD_ENDS; i++)
		load_turn(l->ends[i].load);
	if (l->meanwhile != NULL)
		l->meanwhile(l->meanwhile_arg);
	if (!l->runs)
		worker_turn(l->world->worker);
}

static uint64_t in_ns(double ms)
{
	return (uint64_t)(ms * 1e6);
}

// Lets everybody else run, who would take the cores in the middle otherwise, and opens again what
// the last run may have cost.
static void rest(struct relay_load *l)
{
	uint64_t until;

	usleep(REST_MS * 1000);
	until = rte_rdtsc() + rte_get_tsc_hz() * SETTLE_MS / 1000;
	while (rte_rdtsc() < until) {
		if (l->world->control != NULL)
			control_end_answer(l->world->control);
		relay_load_turn(l);
	}
}

void relay_load_run(
	struct relay_load *l, const struct relay_load_trial *trial, struct load_result *result)
{
	struct load *caller = l->ends[RELAY_LOAD_CALLER].load;
	const struct trial_times times = {.warm_up_ns = in_ns(trial->warm_up_ms),
		.measure_ns = in_ns(trial->measure_ms),
		.drain_ns = in_ns(trial->drain_ms)};

	for (unsigned k = 0; k < RELAY_LOAD_KINDS; k++)
		memset(l->times[k], 0, RELAY_LOAD_MESSAGES * sizeof(*l->times[k]));
	rest(l);
	l->began = false;
	l->n_gaps = 0;
	slow_wire_gather(&l->wire, trial->gathers);
	relay_load_start_worker(l);
	load_start(caller, trial->rate, &times);
	l->measured_from = rte_rdtsc() + l->wire_ticks +
		(uint64_t)(trial->warm_up_ms * 1e-3 * (double)rte_get_tsc_hz());
	while (!load_is_done(caller))
		relay_load_turn(l);
	load_pace(caller, 0);
	relay_load_stop_worker(l);
	slow_wire_gather(&l->wire, false);
	load_result(caller, result);
}
