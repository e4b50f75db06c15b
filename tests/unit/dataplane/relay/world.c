// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/dataplane/relay/world.h"
#include "control/policy/builder.h"
#include "tests/unit/test.h"

#include <sys/mman.h>
#include <unistd.h>

#define HOPS_MAX 4

static const struct {
	const char *domain;
	enum image_list list;
	enum transport transport;
	const char *hops[HOPS_MAX];
	const char *source;
} organisations[] = {
	{"local.example", IMAGE_LOCAL, TRANSPORT_UDP, {"10.0.0.10"}, "10.0.0.0/24"},
	{"local6.example", IMAGE_LOCAL, TRANSPORT_UDP, {"[fd00::10]"}, "fd00::/64"},
	{"partner.example", IMAGE_ALLOW, TRANSPORT_UDP, {"198.51.100.10"}, "198.51.100.0/24"},
	{"partner6.example", IMAGE_ALLOW, TRANSPORT_UDP, {"[2001:db8::10]"}, "2001:db8::/64"},
	{"many.example", IMAGE_ALLOW, TRANSPORT_UDP,
		{"198.51.100.21", "198.51.100.22", "198.51.100.23", "198.51.100.24"},
		"198.51.100.0/24"},
	{"example.com", IMAGE_LOCAL, TRANSPORT_UDP, {"10.0.0.20"}, "10.0.0.0/24"},
	{"example.net", IMAGE_LOCAL, TRANSPORT_UDP, {"10.0.0.20"}, "10.0.0.0/24"},
	{"example.org", IMAGE_LOCAL, TRANSPORT_UDP, {"10.0.0.20"}, "10.0.0.0/24"},
	{"company.com", IMAGE_LOCAL, TRANSPORT_UDP, {"10.0.0.20"}, "10.0.0.0/24"},
	{"tcp.example", IMAGE_ALLOW, TRANSPORT_TCP, {"198.51.100.30"}, "198.51.100.0/24"},
};

static uint32_t add_named(struct builder *b)
{
	struct endpoint hop;
	struct domain host;
	int64_t peer;

	assert_int_equal(domain_canonical(VIEW("sip.named.example"), &host), 0);
	assert_int_equal(builder_name_hop(b, HOP_HOST, &host, 5061, TRANSPORT_TLS, &hop), 0);
	peer = builder_add_peer(b, &hop, 1, NULL, 0, IMAGE_RULE_NONE);
	assert_true(peer >= 0);
	assert_int_equal(builder_set_hosts(b, (uint32_t)peer, &host, 1), 0);
	assert_int_equal(builder_set_verification(b, (uint32_t)peer, IMAGE_VERIFICATION_NEVER), 0);
	return (uint32_t)peer;
}

static uint32_t add_found(struct builder *b)
{
	int64_t peer = builder_add_discovered(b, NULL, 0, IMAGE_RULE_NONE);

	assert_true(peer >= 0);
	assert_int_equal(builder_set_verification(b, (uint32_t)peer, IMAGE_VERIFICATION_SOURCE), 0);
	return (uint32_t)peer;
}

// Partners over TLS.
static void add_partners(struct builder *b)
{
	static const char *const domains[] = {"found.example", "named.example"};
	uint32_t peers[2];

	peers[0] = add_found(b);
	peers[1] = add_named(b);
	for (size_t i = 0; i < 2; i++) {
		enum image_list list;
		image_rule_id other;
		struct domain name;

		assert_int_equal(domain_canonical(view_string(domains[i]), &name), 0);
		assert_int_equal(builder_add_name(b, &name, IMAGE_ALLOW, peers[i], IMAGE_RULE_NONE,
					 &list, &other),
			0);
	}
	// Of local.example.
	assert_int_equal(builder_set_certificate(b, 0, WORLD_CERTIFICATE), 0);
}

#define LISTENER(t, v, a, p, s, name)                                                              \
	{                                                                                          \
		.local = {.ip = {.bytes = a, .family = v}, .port = p, .transport = TRANSPORT_##t}, \
		.side = s, .sent_by = {                                                            \
			(const uint8_t *)(name),                                                   \
			sizeof(name) - 1                                                           \
		}                                                                                  \
	}
#define BYTES(...)          \
	{                   \
		__VA_ARGS__ \
	}

const struct relay_listener world_listeners[WORLD_N_LISTENERS] = {
	[WORLD_INSIDE] =
		LISTENER(UDP, IP_V4, BYTES(10, 0, 0, 1), 5060, SIDE_INSIDE, "10.0.0.1:5060"),
	[WORLD_OUTSIDE] =
		LISTENER(UDP, IP_V4, BYTES(192, 0, 2, 1), 5060, SIDE_OUTSIDE, "relay.example.net"),
	[WORLD_INSIDE6] =
		LISTENER(UDP, IP_V6, BYTES(0xfd, [15] = 1), 5060, SIDE_INSIDE, "[fd00::1]:5060"),
	[WORLD_OUTSIDE6] = LISTENER(UDP, IP_V6, BYTES(0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 1), 5060,
		SIDE_OUTSIDE, "[2001:db8:1::1]:5060"),
	[WORLD_INSIDE_TLS] =
		LISTENER(TLS, IP_V4, BYTES(10, 0, 0, 1), 5081, SIDE_INSIDE, "10.0.0.1:5081"),
	[WORLD_OUTSIDE_TLS] = LISTENER(
		TLS, IP_V4, BYTES(192, 0, 2, 1), 5081, SIDE_OUTSIDE, "relay.example.net:5081"),
	[WORLD_INSIDE_AGAIN] =
		LISTENER(UDP, IP_V4, BYTES(10, 0, 0, 3), 5060, SIDE_INSIDE, "10.0.0.3:5060"),
};

static void add_organisations(struct builder *b, int source)
{
	for (size_t i = 0; i < sizeof(organisations) / sizeof(organisations[0]); i++) {
		image_rule_id rule = IMAGE_RULE(source, (uint32_t)i + 1), other;
		struct endpoint hops[HOPS_MAX];
		struct ip_prefix prefix;
		enum image_list list;
		struct domain name;
		size_t n_hops = 0;
		int64_t peer;

		for (; n_hops < HOPS_MAX && organisations[i].hops[n_hops] != NULL; n_hops++)
			assert_int_equal(endpoint_parse(view_string(organisations[i].hops[n_hops]),
						 5060, organisations[i].transport, &hops[n_hops]),
				0);
		assert_int_equal(ip_prefix_parse(view_string(organisations[i].source), &prefix), 0);
		assert_int_equal(domain_canonical(view_string(organisations[i].domain), &name), 0);
		peer = builder_add_peer(b, hops, n_hops, &prefix, 1, rule);
		assert_true(peer >= 0);
		assert_int_equal(builder_add_name(b, &name, organisations[i].list, (uint32_t)peer,
					 rule, &list, &other),
			0);
	}
}

static void add_block(struct builder *b)
{
	int source = builder_add_source(b, VIEW("lists/bad.txt"));
	enum image_list list;
	image_rule_id other;
	struct domain name;

	assert_int_equal(domain_canonical(VIEW("blocked.example"), &name), 0);
	assert_int_equal(builder_add_name(b, &name, IMAGE_BLOCK, IMAGE_PEER_NONE,
				 IMAGE_RULE(source, 12), &list, &other),
		0);
}

static void open_image(struct world *w, struct view stamp)
{
	const struct builder_settings settings = {
		.flags = IMAGE_FEDERATION_ON | IMAGE_SIP_ON,
		.body_bytes_max = WORLD_BODY_BYTES,
		.relay_key = "fifteen letters",
		.stamp = stamp,
	};
	struct builder *b = builder_new(&settings);
	struct image_info info;
	const char *error;
	int fd;

	assert_non_null(b);
	add_organisations(b, builder_add_source(b, VIEW("partners")));
	add_partners(b);
	add_block(b);
	fd = builder_finish(b, 1, &info);
	assert_true(fd >= 0);
	builder_free(b);
	w->n_bytes = (size_t)lseek(fd, 0, SEEK_END);
	w->bytes = mmap(NULL, w->n_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(w->bytes != MAP_FAILED);
	close(fd);
	w->image = image_open(w->bytes, w->n_bytes, &error);
	assert_non_null(w->image);
	w->policy = (struct policy){.image = w->image};
}

struct world *world_new(void)
{
	return world_new_stamped(VIEW_NONE);
}

struct world *world_new_stamped(struct view stamp)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	open_image(w, stamp);
	for (unsigned i = 0; i < WORLD_N_RELAYS; i++) {
		w->decider[i] = decider_new(&w->policy, 64);
		assert_non_null(w->decider[i]);
		w->relay[i] =
			relay_new(world_listeners, WORLD_N_LISTENERS, (uint16_t)i, w->counters[i]);
		assert_non_null(w->relay[i]);
		relay_set_policy(w->relay[i], w->decider[i], w->image);
	}
	return w;
}

void world_free(struct world *w)
{
	for (unsigned i = 0; i < WORLD_N_RELAYS; i++) {
		relay_free(w->relay[i]);
		decider_free(w->decider[i]);
	}
	image_close(w->image);
	munmap(w->bytes, w->n_bytes);
	free(w->sent);
	free(w);
}

struct relay_out world_send(struct world *w, unsigned relay, enum world_listener listener,
	const char *source, struct view payload)
{
	uint8_t *copy = malloc(payload.len > 0 ? payload.len : 1);
	struct relay_in in = {.payload = view_of(copy, payload.len),
		.listener = (uint16_t)listener,
		.card = w->card};
	struct relay_out out = {.room = payload.len + RELAY_GROWTH_BYTES};

	assert_non_null(copy);
	if (payload.len > 0)
		memcpy(copy, payload.at, payload.len);
	assert_int_equal(endpoint_parse(view_string(source), 5060, TRANSPORT_UDP, &in.source), 0);
	free(w->sent);
	w->sent = malloc(out.room);
	assert_non_null(w->sent);
	out.bytes = w->sent;
	relay_burst(w->relay[relay], &in, &out, 1);
	free(copy);
	return out;
}

static const struct {
	const char *mark, *name;
	size_t n_value; // 0: up to the next ';' or end of line
} masks[] = {
	{";fr-way=", "WAY", 0},
	{";fr-loop=", "LOOP", 0},
	{";tag=fr", "TAG", 16},
};

// The branch of a Via of ours is the one with our parameters behind it.
static bool is_our_branch(const char *at)
{
	return strncmp(at, "z9hG4bK", 7) == 0 && strlen(at) > 31 &&
		strncmp(at + 7 + 16, ";fr-way=", 8) == 0;
}

const char *world_masked(const struct relay_out *out)
{
	static char text[70000];
	size_t n = 0;

	for (size_t i = 0; i < out->len && n + 16 < sizeof(text);) {
		char here[128];
		size_t left = out->len - i < sizeof(here) - 1 ? out->len - i : sizeof(here) - 1;
		size_t skip = 0;

		memcpy(here, out->bytes + i, left);
		here[left] = '\0';
		for (size_t m = 0; m < sizeof(masks) / sizeof(masks[0]) && skip == 0; m++) {
			size_t n_mark = strlen(masks[m].mark);

			if (strncmp(here, masks[m].mark, n_mark) != 0)
				continue;
			skip = n_mark +
				(masks[m].n_value != 0 ? masks[m].n_value
						       : strcspn(here + n_mark, ";\r"));
			n += (size_t)sprintf(text + n, "%s%s", masks[m].mark, masks[m].name);
		}
		if (skip == 0 && is_our_branch(here)) {
			skip = 7 + 16;
			n += (size_t)sprintf(text + n, "z9hG4bKBRANCH");
		}
		if (skip == 0) {
			text[n++] = here[0];
			skip = 1;
		}
		i += skip;
	}
	text[n] = '\0';
	return text;
}

uint64_t world_counted(const struct world *w)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < WORLD_N_RELAYS; i++) {
		for (unsigned r = 0; r < REASON_N; r++)
			sum += w->counters[i][r];
	}
	return sum;
}
