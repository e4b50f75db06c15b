// SPDX-License-Identifier: BSD-3-Clause

#include "tests/sim/plan.h"

#include "lib/tcp/keys.h"

#define SECOND_NS 1000000000ull

static const char *const shape_names[PLAN_N] = {
	[PLAN_PERFECT] = "perfect",
	[PLAN_LOSS] = "loss",
	[PLAN_DISORDER] = "disorder",
	[PLAN_NARROW] = "narrow",
	[PLAN_WINDOWS] = "windows",
	[PLAN_WRAP] = "wrap",
	[PLAN_CHURN] = "churn",
	[PLAN_CLOSING] = "closing",
	[PLAN_CUT] = "cut",
	[PLAN_DRY] = "dry",
	[PLAN_MTU] = "mtu",
	[PLAN_BLIND] = "blind",
	[PLAN_ALL] = "all",
	[PLAN_LONG] = "long",
};

const char *plan_shape_name(enum plan_shape shape)
{
	return shape_names[shape];
}

void plan_address(const struct plan *p, unsigned host, struct ip_addr *out)
{
	memset(out, 0, sizeof(*out));
	out->family = p->family;
	if (p->family == IP_V4) {
		memcpy(out->bytes, (const uint8_t[]){192, 0, 2, (uint8_t)(1 + host)}, 4);
		return;
	}
	memcpy(out->bytes, (const uint8_t[]){0x20, 0x01, 0x0d, 0xb8}, 4);
	out->bytes[15] = (uint8_t)(1 + host);
}

// What every shape begins with: a short wire without faults, room for everything, friendly users.
static void plan_hosts(struct plan *p, struct rng *r)
{
	static const uint16_t mtus[] = {1500, 1500, 1500, 9000, 1280, 576};
	uint16_t mtu = mtus[rng_below(r, 6)];

	if (p->family == IP_V6 && mtu < 1280)
		mtu = 1280;
	for (unsigned i = 0; i < 2; i++) {
		struct plan_host *h = &p->hosts[i];

		tcp_config_default(&h->config, 64);
		h->config.key = (struct siphash_key){rng_next(r), rng_next(r)};
		h->config.n_half_open = 32;
		h->config.n_time_waits = PLAN_TIME_WAITS;
		h->config.n_chunks = 2048;
		h->config.chunk_bytes =
			rng_chance(r, 5000) ? 1460 : (uint16_t)rng_between(r, 536, 2048);
		h->config.send_bytes_max = rng_scale(r, 4096, 262144);
		h->config.receive_bytes_max = rng_scale(r, 4096, 262144);
		h->config.keepalive_s = rng_chance(r, 2000) ? rng_between(r, 1, 20) : 0;
		h->config.user_timeout_s = 600;
		h->config.time_wait_s = rng_between(r, 1, 4);
		h->mtu = rng_chance(r, 8000) ? mtu : 1500;
		h->payload_max = rng_chance(r, 5000) ? rng_between(r, h->mtu, 65000) : h->mtu;
		h->timers_budget = rng_chance(r, 8000) ? 64 : rng_between(r, 4, 16);
		p->ways[i].mtu = 9000;
	}
}

static void plan_users(struct plan *p, struct rng *r)
{
	for (unsigned i = 0; i < 2; i++) {
		p->hosts[i].user = (struct plan_user){
			.n_opens = i == 0 ? rng_scale(r, 1, 12) : 0,
			.open_gap_ms = rng_scale(r, 1, 200),
			.n_alive_max = 32,
			.port = 40000,
			.n_ports = 64,
			.bytes_min = 16,
			.bytes_max = rng_scale(r, 64, 65536),
			.write_max = rng_scale(r, 16, 4096),
			.write_gap_ms = rng_chance(r, 5000) ? 0 : rng_scale(r, 1, 200),
			.read_max = rng_scale(r, 256, 65536),
			.read_gap_ms = rng_chance(r, 5000) ? 0 : rng_between(r, 1, 20),
		};
	}
}

static void plan_wire(struct plan *p, struct rng *r)
{
	uint32_t delay_us = rng_scale(r, 20, 40000);

	for (unsigned i = 0; i < 2; i++) {
		p->ways[i].delay_us = delay_us;
		p->ways[i].jitter_us = rng_chance(r, 5000) ? 0 : rng_below(r, delay_us / 4 + 1);
		p->ways[i].reorder_us = 1;
	}
	p->poll_us = rng_chance(r, 5000) ? 1 : rng_scale(r, 1, 200);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void shape_loss(struct plan *p, struct rng *r)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!rng_chance(r, 2000))
			p->ways[i].loss = rng_scale(r, 10, 1000);
	}
}

static void shape_disorder(struct plan *p, struct rng *r)
{
	for (unsigned i = 0; i < 2; i++) {
		struct wire_way *w = &p->ways[i];

		w->reorder = rng_chance(r, 7000) ? rng_scale(r, 10, 5000) : 0;
		w->reorder_us = rng_scale(r, 10, 300000);
		w->duplicate = rng_chance(r, 5000) ? rng_scale(r, 10, 5000) : 0;
		w->corrupt = rng_chance(r, 5000) ? rng_scale(r, 10, 500) : 0;
	}
}

static void shape_narrow(struct plan *p, struct rng *r)
{
	for (unsigned i = 0; i < 2; i++) {
		p->ways[i].bytes_per_ms = rng_scale(r, 50, 20000);
		p->ways[i].queue_bytes = rng_scale(r, 12000, 400000);
	}
	p->hosts[0].user.n_opens = rng_between(r, 1, 6);
	p->hosts[0].user.bytes_max = rng_scale(r, 8192, 262144);
	p->hosts[1].user.bytes_max = rng_scale(r, 8192, 65536);
}

static void shape_windows(struct plan *p, struct rng *r)
{
	for (unsigned i = 0; i < 2; i++) {
		struct plan_host *h = &p->hosts[i];

		h->config.receive_bytes_max = rng_scale(r, 2048, 16384);
		h->config.send_bytes_max = rng_scale(r, 4096, 65536);
		h->user.n_opens = i == 0 ? rng_between(r, 1, 5) : 0;
		h->user.read_max = rng_scale(r, 32, 4096);
		h->user.read_gap_ms = rng_between(r, 1, 10);
		h->user.stall_share = rng_chance(r, 7000) ? rng_scale(r, 10, 1000) : 0;
		h->user.stall_ms = rng_scale(r, 50, 2000);
		// So that nobody waits as long as FIN_WAIT_2 lasts.
		h->user.bytes_max = least(h->user.read_max * 20 + 64, 65536);
	}
}

// The clock at which the first connection's ISN is a little below 2^32, by RFC 6528's formula; or
// one at which milliseconds, microseconds or ticks wrap.
static void shape_wrap(struct plan *p, struct rng *r)
{
	static const uint64_t wraps[] = {1ull << 52, 4294967296000000ull, 4294967296000ull};
	struct endpoint local = {.port = 40000, .transport = TRANSPORT_TCP};
	struct endpoint remote = {.port = PLAN_SERVER_PORT, .transport = TRANSPORT_TCP};
	struct tcp_keys keys;
	unsigned from = rng_below(r, 2);
	uint32_t ahead = rng_scale(r, 1, 100000);

	p->hosts[0].user.n_opens = 2;
	p->hosts[0].user.bytes_max = 65536;
	p->hosts[1].user.bytes_max = 65536;
	if (rng_chance(r, 3000)) {
		p->start_ns = wraps[rng_below(r, 3)] - ahead * 10000ull;
		return;
	}
	plan_address(p, from, &local.ip);
	plan_address(p, !from, &remote.ip);
	if (from == 1) {
		local.port = PLAN_SERVER_PORT;
		remote.port = 40000;
	}
	tcp_keys_init(&keys, &p->hosts[from].config.key);
	p->start_ns = (uint32_t)(0u - ahead - tcp_keys_isn(&keys, &local, &remote, 0)) * 4000ull;
}

static void shape_churn(struct plan *p, struct rng *r)
{
	bool has_cookies = rng_chance(r, 5000);

	for (unsigned i = 0; i < 2; i++) {
		struct plan_host *h = &p->hosts[i];

		if (has_cookies)
			h->config.n_half_open = rng_between(r, 1, 4);
		h->config.n_time_waits = rng_scale(r, 1, PLAN_TIME_WAITS);
		h->user.bytes_max = rng_scale(r, 16, 2048);
		h->user.n_opens = i == 0 ? rng_between(r, 20, 100) : 0;
		h->user.n_ports = (uint16_t)rng_scale(r, 1, 32);
		h->user.open_gap_ms = rng_scale(r, 1, 20);
		h->user.n_alive_max = h->user.n_ports;
	}
	shape_loss(p, r);
	if (rng_chance(r, 5000)) {
		shape_disorder(p, r);
		p->reopens = has_cookies;
	}
}

// One side has closed, and the other one pauses about as long as it is waited for in FIN_WAIT_2:
// less, and nothing ends it; or more.
static void pause_half_closed(struct plan *p, struct rng *r)
{
	struct plan_user *slow = &p->hosts[1].user;

	p->hosts[0].user.n_opens = rng_between(r, 1, 3);
	p->strict = rng_chance(r, 5000);
	slow->write_gap_ms =
		p->strict ? rng_between(r, 30000, 55000) : rng_between(r, 60000, 90000);
	slow->write_max = 64;
	slow->bytes_max = rng_scale(r, 16, 256);
}

static void shape_closing(struct plan *p, struct rng *r)
{
	p->mirrored = rng_chance(r, 5000);
	if (p->mirrored) {
		p->hosts[0].user.n_opens = p->hosts[1].user.n_opens = rng_between(r, 1, 12);
		p->ways[0].delay_us += 5000;
		p->ways[1].delay_us += 5000;
		p->hosts[1].user.open_gap_ms = p->hosts[0].user.open_gap_ms;
	}
	for (unsigned i = 0; i < 2; i++) {
		p->hosts[i].user.bytes_max = rng_scale(r, 16, 16384);
		p->hosts[i].user.write_gap_ms = 0;
		p->hosts[i].user.read_gap_ms = 0;
	}
	if (rng_chance(r, 5000))
		shape_loss(p, r);
	if (rng_chance(r, 5000))
		shape_disorder(p, r);
	if (!p->mirrored && rng_chance(r, 3000))
		pause_half_closed(p, r);
}

static void shape_cut(struct plan *p, struct rng *r)
{
	p->n_cuts = rng_between(r, 1, 4);
	for (unsigned i = 0; i < p->n_cuts; i++) {
		uint64_t from_ns = p->start_ns + rng_scale(r, 1, 4000) * 1000000ull;

		p->cuts[i] = (struct wire_cut){
			.from_ns = from_ns,
			.to_ns = rng_chance(r, 3000)
				? UINT64_MAX
				: from_ns + rng_scale(r, 10, 20000) * 1000000ull,
			.to = (uint8_t)rng_below(r, 2),
		};
	}
	for (unsigned i = 0; i < 2; i++) {
		p->hosts[i].config.user_timeout_s = rng_between(r, 2, 30);
		p->hosts[i].user.abort_share = rng_chance(r, 5000) ? rng_scale(r, 100, 10000) : 0;
	}
	p->strict = false;
}

// Memory for about two windows among all connections of a host, so that they starve one another.
static void shape_dry(struct plan *p, struct rng *r)
{
	for (unsigned i = 0; i < 2; i++) {
		struct plan_host *h = &p->hosts[i];

		h->config.receive_bytes_max = rng_scale(r, 4096, 65536);
		h->config.send_bytes_max = rng_scale(r, 4096, 65536);
		h->config.n_chunks = rng_between(r, 24, 96);
		h->n_dry = rng_below(r, 3);
		for (unsigned k = 0; k < h->n_dry; k++) {
			h->dry[k].from_ns = p->start_ns + rng_scale(r, 1, 3000) * 1000000ull;
			h->dry[k].to_ns = h->dry[k].from_ns + rng_scale(r, 1, 3000) * 1000000ull;
		}
	}
	p->hosts[0].user.n_opens = rng_between(r, 2, 10);
	if (rng_chance(r, 3000))
		shape_loss(p, r);
}

static void shape_mtu(struct plan *p, struct rng *r)
{
	uint16_t least = p->family == IP_V6 ? 1280 : 576;

	for (unsigned i = 0; i < 2; i++) {
		p->hosts[i].mtu = rng_chance(r, 5000) ? 1500 : 9000;
		p->ways[i].mtu = (uint16_t)rng_between(r, least, 1500);
		p->ways[i].tells_mtu = rng_chance(r, 7000);
		p->ways[i].tell_one = rng_scale(r, 1, 4);
		p->hosts[i].user.bytes_max = rng_scale(r, 2048, 65536);
		p->hosts[i].user.write_max = 8192;
	}
	p->hosts[0].user.n_opens = rng_between(r, 1, 4);
}

static void shape_blind(struct plan *p, struct rng *r)
{
	p->n_forged_max = rng_scale(r, 100, 2000);
	for (unsigned i = 0; i < 2; i++)
		p->hosts[i].config.n_half_open = rng_chance(r, 5000) ? 4 : 32;
}

static void shape_all(struct plan *p, struct rng *r)
{
	shape_loss(p, r);
	shape_disorder(p, r);
	if (rng_chance(r, 3000))
		shape_narrow(p, r);
	if (rng_chance(r, 3000))
		shape_windows(p, r);
	if (rng_chance(r, 3000))
		shape_churn(p, r);
	if (rng_chance(r, 3000))
		shape_dry(p, r);
	if (rng_chance(r, 3000))
		shape_mtu(p, r);
	if (rng_chance(r, 3000))
		shape_blind(p, r);
	shape_cut(p, r);
}

// Small segments and large windows: up to two thousand in flight.
static void shape_long(struct plan *p, struct rng *r)
{
	for (unsigned i = 0; i < 2; i++) {
		struct plan_host *h = &p->hosts[i];

		h->mtu = p->family == IP_V6 ? 1280 : 576;
		h->config.n_chunks = 8192;
		h->config.chunk_bytes = 1220;
		h->config.send_bytes_max = h->config.receive_bytes_max = 1 << 20;
		h->user.bytes_min = 400000;
		h->user.bytes_max = 1200000;
		h->user.write_max = h->user.read_max = 65536;
		h->user.write_gap_ms = h->user.read_gap_ms = 0;
		p->ways[i].delay_us = rng_between(r, 5000, 40000);
		p->ways[i].loss = rng_scale(r, 1, 50);
		p->ways[i].duplicate = rng_chance(r, 3000) ? rng_scale(r, 1, 500) : 0;
		p->ways[i].reorder = rng_chance(r, 3000) ? rng_scale(r, 1, 500) : 0;
		p->ways[i].reorder_us = rng_scale(r, 10, 100000);
	}
	p->hosts[0].user.n_opens = 1;
}

// No window closes and nothing waits, so that whatever is sent twice is so without need.
static void shape_perfect(struct plan *p, struct rng *r)
{
	(void)r;
	for (unsigned i = 0; i < 2; i++) {
		p->hosts[i].config.receive_bytes_max = 262144;
		p->hosts[i].config.keepalive_s = 0;
		p->hosts[i].user.read_gap_ms = 0;
		p->ways[i].jitter_us = 0;
	}
	p->perfect = true;
}

static void (*const shapes[PLAN_N])(struct plan *p, struct rng *r) = {
	[PLAN_PERFECT] = shape_perfect,
	[PLAN_LOSS] = shape_loss,
	[PLAN_DISORDER] = shape_disorder,
	[PLAN_NARROW] = shape_narrow,
	[PLAN_WINDOWS] = shape_windows,
	[PLAN_WRAP] = shape_wrap,
	[PLAN_CHURN] = shape_churn,
	[PLAN_CLOSING] = shape_closing,
	[PLAN_CUT] = shape_cut,
	[PLAN_DRY] = shape_dry,
	[PLAN_MTU] = shape_mtu,
	[PLAN_BLIND] = shape_blind,
	[PLAN_ALL] = shape_all,
	[PLAN_LONG] = shape_long,
};

struct plan plan_of(uint64_t seed, enum plan_shape shape)
{
	struct plan p = {.seed = seed, .shape = shape, .strict = true};
	struct rng r = {.state = rng_mix(seed + 1) + shape};

	p.family = rng_chance(&r, 5000) ? IP_V4 : IP_V6;
	p.start_ns = rng_next(&r) >> rng_between(&r, 8, 40);
	plan_hosts(&p, &r);
	plan_users(&p, &r);
	plan_wire(&p, &r);
	shapes[shape](&p, &r);
	for (unsigned i = 0; i < 2; i++) {
		struct plan_user *u = &p.hosts[i].user;

		if (p.hosts[i].payload_max < p.hosts[i].mtu)
			p.hosts[i].payload_max = p.hosts[i].mtu;
		// Not so slow that a stream takes longer than the run may last.
		if (u->write_gap_ms > 0)
			u->bytes_max = least(u->bytes_max, u->write_max * 400);
	}
	p.end_ns = p.start_ns + 900 * SECOND_NS;
	return p;
}
