// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/builder.h"
#include "tests/bench/relay_world.h"

#include <stdlib.h>
#include <unistd.h>

#define N_PEERS 10000

__attribute__((noreturn)) static void give_up(const char *what)
{
	fprintf(stderr, "bench: image: %s\n", what);
	exit(1);
}

// An organisation with a server and sources of both families.
static uint32_t add_peer(struct builder *b, enum transport transport, const char *hop4,
	const char *hop6, const char *source4, const char *source6)
{
	struct endpoint hops[2];
	struct ip_prefix sources[2];
	int64_t peer;

	if (endpoint_parse(view_string(hop4), 5060, transport, &hops[0]) < 0 ||
		endpoint_parse(view_string(hop6), 5060, transport, &hops[1]) < 0 ||
		ip_prefix_parse(view_string(source4), &sources[0]) < 0 ||
		ip_prefix_parse(view_string(source6), &sources[1]) < 0)
		give_up("peer");
	peer = builder_add_peer(
		b, hops, transport == TRANSPORT_TCP ? 1 : 2, sources, 2, IMAGE_RULE(0, 1));
	if (peer < 0)
		give_up("peer refused");
	return (uint32_t)peer;
}

static void add_name(struct builder *b, const char *name, enum image_list list, uint32_t peer)
{
	enum image_list other_list;
	image_rule_id other;
	struct domain d;

	if (domain_canonical(view_string(name), &d) < 0 ||
		builder_add_name(b, &d, list, peer, IMAGE_RULE(0, 2), &other_list, &other) < 0)
		give_up(name);
}

static void add_names(struct builder *b, uint32_t n_names)
{
	char name[TRAFFIC_NAME_BYTES];
	uint32_t peers[N_PEERS];

	for (uint32_t p = 0; p < N_PEERS; p++)
		peers[p] = add_peer(b, TRANSPORT_UDP, "192.0.2.2", "2001:db8::2", "192.0.2.0/24",
			"2001:db8::/64");
	for (uint32_t i = 0; i < n_names; i++) {
		traffic_domain(i, name);
		add_name(b, name, IMAGE_ALLOW, peers[i % N_PEERS]);
	}
}

int relay_world_image(uint32_t n_names, uint32_t n_patterns, uint32_t first_pattern,
	uint64_t generation, enum transport transport, size_t *n_bytes)
{
	const struct builder_settings settings = {
		.flags = IMAGE_FEDERATION_ON | IMAGE_SIP_ON,
		.body_bytes_max = 5000 << 10,
		.relay_key = {1, 2, 3},
	};
	struct builder *b = builder_new(&settings);
	char text[80], error[PATTERN_ERROR_BYTES];
	struct image_info info;
	int fd;

	if (b == NULL || builder_add_source(b, VIEW("bench")) < 0)
		give_up("no memory");
	add_name(b, TRAFFIC_LOCAL_DOMAIN, IMAGE_LOCAL,
		add_peer(b, transport, "10.10.0.2", "fd10::2", "10.10.0.0/24", "fd10::/64"));
	add_names(b, n_names);
	for (uint32_t i = 0; i < n_patterns; i++) {
		snprintf(text, sizeof(text), "*.bulk-%u-*.invalid", first_pattern + i);
		if (builder_add_wildcard(b, view_string(text), IMAGE_BLOCK, IMAGE_PEER_NONE,
			    IMAGE_RULE(0, 3), error) < 0)
			give_up(error);
	}
	fd = builder_finish(b, generation, &info);
	builder_free(b);
	if (fd < 0)
		give_up("does not build");
	*n_bytes = (size_t)lseek(fd, 0, SEEK_END);
	return fd;
}
