// SPDX-License-Identifier: BSD-3-Clause
// The whole relay over one datagram: the first byte picks listener and source, the rest is the
// payload. What was forwarded is then answered, and must come back to where it came from.

#include "lib/sip/value.h"
#include "tests/unit/dataplane/relay/world.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_data);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static const char *const sources[WORLD_N_LISTENERS][2] = {
	[WORLD_INSIDE] = {"10.0.0.10:5060", "10.0.0.11:1024"},
	[WORLD_OUTSIDE] = {"198.51.100.10:5060", "198.51.100.30:65535"},
	[WORLD_INSIDE6] = {"[fd00::10]:5060", "[fd00::11]:1024"},
	[WORLD_OUTSIDE6] = {"[2001:db8::10]:5060", "[2001:db8::11]:1024"},
};

// All next hops of the world's policy that a listener reaches.
static bool is_configured_hop(const struct endpoint *to)
{
	static const char *const hops[] = {"10.0.0.10", "10.0.0.20", "[fd00::10]", "198.51.100.10",
		"[2001:db8::10]", "198.51.100.21", "198.51.100.22", "198.51.100.23",
		"198.51.100.24"};

	for (size_t i = 0; i < sizeof(hops) / sizeof(hops[0]); i++) {
		struct endpoint hop;

		require(endpoint_parse(view_string(hops[i]), 5060, TRANSPORT_UDP, &hop) == 0);
		if (endpoint_equal(&hop, to))
			return true;
	}
	return false;
}

static void check_forwarded(
	const struct relay_out *out, const struct sip_message *before, struct sip_message *after)
{
	unsigned had, has;
	struct sip_value at;
	struct sip_via via;

	require(sip_message_parse(view_of(out->bytes, out->len), SIP_DATAGRAM, after) ==
		REASON_none);
	require(after->is_request && after->method == before->method);
	require(out->len <= before->bytes.len + RELAY_GROWTH_BYTES);
	if (out->destination.ip.family == IP_NAMED) {
		require(endpoint_is_hop(&out->destination));
		require(out->certificate == 0 || out->certificate == WORLD_CERTIFICATE);
	} else {
		require(is_configured_hop(&out->destination));
		require(world_listeners[out->listener].local.ip.family ==
			out->destination.ip.family);
	}
	require(sip_top_via(after, &via, &at) == 0);
	require(view_equal(via.sent_by, world_listeners[out->listener].sent_by));
	require(sip_max_forwards(after, &has) == 0);
	require(has == (sip_max_forwards(before, &had) == 0 ? had - 1 : 70));
	require(view_equal(before->body, after->body));
}

// The forwarded request as its own response: other start line, same fields.
static void answer(struct world *w, const struct relay_out *forwarded, const struct sip_message *m,
	enum world_listener in, const struct endpoint *source)
{
	static const char line[] = "SIP/2.0 503 x";
	enum world_listener listener = forwarded->listener;
	size_t n_rest = m->bytes.len - m->start.len;
	size_t n = sizeof(line) - 1 + n_rest;
	uint8_t *bytes = malloc(n);
	struct relay_out out;

	require(bytes != NULL);
	memcpy(bytes, line, sizeof(line) - 1);
	memcpy(bytes + sizeof(line) - 1, m->bytes.at + m->start.len, n_rest);
	out = world_send(w, 1, listener, sources[listener & 3][0], view_of(bytes, n));
	free(bytes);
	require(out.reason == REASON_sip_response_relayed ||
		out.reason == REASON_too_large_to_send);
	if (out.len == 0)
		return;
	require(out.listener == in);
	require(ip_equal(&out.destination.ip, &source->ip));
	require(memcmp(out.bytes, "SIP/2.0 500 ", 12) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_data)
{
	static struct sip_message before, after;
	static struct world *w;
	struct view payload = view_of(data + 1, n_data - 1);
	struct endpoint source;
	struct relay_out out;
	const char *from;
	uint64_t counted;

	if (w == NULL)
		w = world_new_stamped(VIEW("X-Stamp"));
	if (n_data == 0)
		return 0;
	from = sources[data[0] & 3][data[0] >> 2 & 1];
	require(endpoint_parse(view_string(from), 5060, TRANSPORT_UDP, &source) == 0);
	counted = world_counted(w);
	out = world_send(w, 0, data[0] & 3, from, payload);
	require(out.reason != REASON_none && out.reason < REASON_N);
	require(world_counted(w) == counted + 1);
	require(out.len <= payload.len + RELAY_GROWTH_BYTES);
	if (out.len == 0)
		return 0;
	require(sip_message_parse(payload, SIP_DATAGRAM, &before) != REASON_sip_not_sip);
	if (out.reason == REASON_sip_request_relayed) {
		check_forwarded(&out, &before, &after);
		answer(w, &out, &after, data[0] & 3, &source);
		return 0;
	}
	require(ip_equal(&out.destination.ip, &source.ip));
	require(sip_message_parse(view_of(out.bytes, out.len), SIP_DATAGRAM, &after) !=
		REASON_sip_not_sip);
	require(!after.is_request);
	require(before.method != SIP_M_ACK || !before.is_request);
	return 0;
}
