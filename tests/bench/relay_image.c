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

// An organisation with a server and sources of both families; n_hops 1: the server's IPv4 address
// only.
static uint32_t add_peer(struct builder *b, enum transport transport, const char *const hops[2],
	const char *const sources[2], unsigned n_hops)
{
	struct endpoint endpoints[2];
	struct ip_prefix prefixes[2];
	int64_t peer;

	for (unsigned i = 0; i < 2; i++) {
		if (endpoint_parse(view_string(hops[i]), transport == TRANSPORT_TLS ? 5061 : 5060,
			    transport, &endpoints[i]) < 0 ||
			ip_prefix_parse(view_string(sources[i]), &prefixes[i]) < 0)
			give_up("peer");
	}
	peer = builder_add_peer(b, endpoints, n_hops, prefixes, 2, IMAGE_RULE(0, 1));
	if (peer < 0)
		give_up("peer refused");
	return (uint32_t)peer;
}

static uint32_t add_local(struct builder *b, enum transport transport, unsigned n_hops)
{
	static const char *const hops[] = {"10.10.0.2", "fd10::2"},
				 *const sources[] = {"10.10.0.0/24", "fd10::/64"};

	return add_peer(b, transport, hops, sources, n_hops);
}

static uint32_t add_partner(struct builder *b)
{
	static const char *const hops[] = {"192.0.2.2", "2001:db8::2"},
				 *const sources[] = {"192.0.2.0/24", "2001:db8::/64"};

	return add_peer(b, TRANSPORT_UDP, hops, sources, 2);
}

static void prove_by_host(struct builder *b, uint32_t peer)
{
	struct domain host;

	if (domain_canonical(VIEW(CONTROL_END_HOST), &host) < 0 ||
		builder_set_hosts(b, peer, &host, 1) < 0)
		give_up("identity refused");
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

static void add_names(struct builder *b, uint32_t n_names, enum transport transport)
{
	char name[TRAFFIC_NAME_BYTES];
	uint32_t peers[N_PEERS];

	for (uint32_t p = 0; p < N_PEERS; p++) {
		peers[p] = add_partner(b);
		if (transport == TRANSPORT_TLS)
			prove_by_host(b, peers[p]);
	}
	for (uint32_t i = 0; i < n_names; i++) {
		traffic_domain(i, name);
		add_name(b, name, IMAGE_ALLOW, peers[i % N_PEERS]);
	}
}

static struct builder *begin(enum transport transport, unsigned n_hops)
{
	const struct builder_settings settings = {
		.flags = IMAGE_FEDERATION_ON | IMAGE_SIP_ON,
		.body_bytes_max = 5000 << 10,
		.relay_key = {1, 2, 3},
		.stamp = VIEW("ms-edge-proxy-message-trust"), // as every document has it
	};
	struct builder *b = builder_new(&settings);

	if (b == NULL || builder_add_source(b, VIEW("bench")) < 0)
		give_up("no memory");
	add_name(b, TRAFFIC_LOCAL_DOMAIN, IMAGE_LOCAL, add_local(b, transport, n_hops));
	return b;
}

static int finish(struct builder *b, uint64_t generation, size_t *n_bytes)
{
	struct image_info info;
	int fd = builder_finish(b, generation, &info);

	builder_free(b);
	if (fd < 0)
		give_up("does not build");
	*n_bytes = (size_t)lseek(fd, 0, SEEK_END);
	return fd;
}

int relay_world_image(uint32_t n_names, uint32_t n_patterns, uint32_t first_pattern,
	uint64_t generation, enum transport transport, size_t *n_bytes)
{
	struct builder *b = begin(transport, transport_is_stream(transport) ? 1 : 2);
	char text[80], error[PATTERN_ERROR_BYTES];

	add_names(b, n_names, transport);
	for (uint32_t i = 0; i < n_patterns; i++) {
		snprintf(text, sizeof(text), "*.bulk-%u-*.invalid", first_pattern + i);
		if (builder_add_wildcard(b, view_string(text), IMAGE_BLOCK, IMAGE_PEER_NONE,
			    IMAGE_RULE(0, 3), error) < 0)
			give_up(error);
	}
	return finish(b, generation, n_bytes);
}

int relay_world_load_image(uint32_t n_names, enum transport transport, size_t *n_bytes)
{
	struct builder *b = begin(transport, 1);
	uint32_t partner = add_partner(b);
	char name[TRAFFIC_NAME_BYTES];

	for (uint32_t i = 0; i < n_names; i++) {
		snprintf(name, sizeof(name), "d%05u." RELAY_WORLD_LOAD_DOMAIN, i);
		add_name(b, name, IMAGE_ALLOW, partner);
	}
	return finish(b, 1, n_bytes);
}
