// SPDX-License-Identifier: BSD-3-Clause
// An image with anything changed and every checksum made good again: refused, or usable in bounds.
//
// Input, first byte even: edits of a small good image, each an offset (2 bytes), and the word
// (4 bytes) that is written there. First byte odd: the rest is the image.

#include "control/policy/builder.h"
#include "lib/base/side.h"
#include "lib/policy/decide.h"
#include "lib/policy/image_format.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *good;
static size_t n_good;
static hs_database_t *database;

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void add_names(struct builder *b, uint32_t local, uint32_t partner)
{
	static const char *const names[] = {"local.example", "partner.example", "blocked.example",
		"a.b.c.d.e.f.g.h.i.j.example", "com",
		"a-name-of-more-than-fifty-bytes-so-that-it-takes-two-units.example"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum image_list list = i == 0 ? IMAGE_LOCAL : i == 1 ? IMAGE_ALLOW : IMAGE_BLOCK;
		uint32_t peer = i == 0 ? local : i == 1 ? partner : IMAGE_PEER_NONE;
		struct domain domain;
		image_rule_id other;

		demand(domain_canonical(view_string(names[i]), &domain) == 0);
		demand(builder_add_name(b, &domain, list, peer, IMAGE_RULE(0, i), &list, &other) ==
			0);
	}
}

// One that hosts prove, behind the first of them; one that a fingerprint proves; one that DNS
// finds.
static void add_proved_peers(struct builder *b)
{
	static const uint8_t prints[1][IMAGE_FINGERPRINT_BYTES] = {{1}};
	struct endpoint hop;
	struct domain hosts[2];
	int64_t peer;

	demand(domain_canonical(VIEW("a.proxy.example"), &hosts[0]) == 0);
	demand(domain_canonical(VIEW("b.proxy.example"), &hosts[1]) == 0);
	demand(builder_name_hop(b, HOP_HOST, &hosts[0], 5061, TRANSPORT_TLS, &hop) == 0);
	peer = builder_add_peer(b, &hop, 1, NULL, 0, IMAGE_RULE_NONE);
	demand(peer >= 0 && builder_set_hosts(b, (uint32_t)peer, hosts, 2) == 0);
	peer = builder_add_peer(b, &hop, 1, NULL, 0, IMAGE_RULE_NONE);
	demand(peer >= 0 && builder_set_fingerprints(b, (uint32_t)peer, prints, 1) == 0);
	demand(builder_add_discovered(b, NULL, 0, IMAGE_RULE_NONE) >= 0);
}

static void make_good_image(void)
{
	struct builder_settings settings = {
		IMAGE_FEDERATION_ON | IMAGE_SIP_ON, 5000, {1}, VIEW("X-Stamp")};
	struct builder *b = builder_new(&settings);
	struct endpoint hop = {{{10, 0, 0, 1}, IP_V4, {0}}, 5060, TRANSPORT_UDP, 0};
	struct ip_prefix source = {{{10}, IP_V4, {0}}, 8, {0}};
	char error[PATTERN_ERROR_BYTES];
	struct patterns_error why;
	const char *refused;
	struct image_info info;
	struct image *image;
	uint32_t local, partner;
	int fd;

	demand(b != NULL && builder_add_source(b, VIEW("document")) == 0);
	local = (uint32_t)builder_add_peer(b, &hop, 1, &source, 1, IMAGE_RULE(0, 1));
	partner = (uint32_t)builder_add_peer(b, &hop, 1, &source, 1, IMAGE_RULE_NONE);
	add_names(b, local, partner);
	add_proved_peers(b);
	demand(builder_add_wildcard(b, VIEW("*.spam-*"), IMAGE_BLOCK, IMAGE_PEER_NONE,
		       IMAGE_RULE(0, 8), error) == 0);
	demand(builder_add_regex(
		       b, VIEW("x[0-9]"), IMAGE_ALLOW, partner, IMAGE_RULE(0, 9), error) == 0);
	fd = builder_finish(b, 1, &info);
	demand(fd >= 0);
	n_good = (size_t)lseek(fd, 0, SEEK_END);
	good = mmap(NULL, n_good, PROT_READ, MAP_PRIVATE, fd, 0);
	demand(good != MAP_FAILED);
	close(fd);
	builder_free(b);
	image = image_open(good, n_good, &refused);
	demand(image != NULL && patterns_compile(image, &database, &why) == 0);
	image_close(image);
}

static bool lies_within(const struct image_extent *s, size_t item_bytes, size_t n)
{
	return s->offset <= n && s->count <= (n - s->offset) / item_bytes;
}

// The digest of the patterns, where they can be read at all.
static void mend_patterns(struct image_header *h, size_t n)
{
	const struct image_extent *rows_at = &h->sections[SECTION_PATTERNS];
	const struct image_extent *text_at = &h->sections[SECTION_TEXT];
	const struct image_pattern_row *rows;

	if (!lies_within(rows_at, sizeof(*rows), n) || !lies_within(text_at, 1, n) ||
		rows_at->offset % 8 != 0)
		return;
	rows = (const void *)((const uint8_t *)h + rows_at->offset);
	for (uint64_t i = 0; i < rows_at->count; i++) {
		const struct image_text *t = &rows[i].expression;

		if (t->offset > text_at->count || t->len > text_at->count - t->offset)
			return;
	}
	h->pattern_digest =
		image_pattern_digest_of(rows, rows_at->count, (const uint8_t *)h + text_at->offset);
}

static void mend(uint8_t *bytes, size_t n)
{
	struct image_header *h = (struct image_header *)bytes;

	h->magic = IMAGE_MAGIC;
	h->version = IMAGE_VERSION;
	h->n_bytes = n;
	mend_patterns(h, n);
	h->digest = image_digest_of(bytes, n);
	h->checksum = image_checksum_of(h);
}

static void edit(uint8_t *bytes, size_t n, const uint8_t *edits, size_t n_edits)
{
	for (; n_edits >= 6; edits += 6, n_edits -= 6) {
		size_t offset = (size_t)edits[0] | (size_t)edits[1] << 8;

		if (offset + 4 <= n)
			memcpy(bytes + offset, edits + 2, 4);
	}
}

static void look_up(struct decider *d, struct view name)
{
	const struct policy_query queries[] = {
		{name, VIEW("local.example"), SIDE_OUTSIDE, {{10, 0, 0, 1}, IP_V4, {0}}},
		{VIEW("local.example"), name, SIDE_INSIDE, {{10, 0, 0, 1}, IP_V4, {0}}},
		{name, name, SIDE_INSIDE, {{0}, IP_V6, {0}}},
	};
	enum { N = sizeof(queries) / sizeof(queries[0]) };
	struct verdict verdicts[N];
	struct match match;

	policy_decide(d, queries, verdicts, N);
	for (unsigned i = 0; i < N; i++)
		demand(verdicts[i].reason < REASON_N);
	policy_blocks(d, name, &match);
}

static void walk_hop(const struct image *image, const struct endpoint *hop)
{
	enum hop_kind kind;
	struct view name;

	demand(endpoint_is_hop(hop));
	if (hop->ip.family != IP_NAMED)
		return;
	demand(image_hop_name(image, &hop->ip, &kind, &name));
	demand(kind < HOP_KIND_N && name.len > 0 && name.at[name.len] == 0);
}

static void walk_identity(const struct image *image, const struct image_peer *peer, uint32_t index)
{
	uint8_t any = 0;

	if (peer->identity == IMAGE_IDENTITY_HOST) {
		demand(image_host(image, peer, index).len > 0);
		return;
	}
	for (unsigned i = 0; i < IMAGE_FINGERPRINT_BYTES; i++)
		any |= image_fingerprint(image, peer, index)[i];
	demand(any != 0);
}

static void walk(const struct image *image)
{
	for (uint32_t i = 0; i < image_info(image)->n_peers; i++) {
		const struct image_peer *peer = image_peer_at(image, i);
		const struct endpoint *hops = image_hops(image, peer);
		struct ip_addr ip = {{10, 0, 0, 1}, IP_V4, {0}};

		demand(peer->connections >= 1 && peer->connections <= IMAGE_CONNECTIONS_MAX);
		for (uint32_t k = 0; k < peer->n_hops; k++)
			walk_hop(image, &hops[k]);
		for (uint32_t k = 0; k < peer->n_identities; k++)
			walk_identity(image, peer, k);
		image_peer_covers(image, peer, &ip);
		demand(image_rule_source(image, peer->rule).len > 0);
	}
	for (uint32_t i = 0; i < image_info(image)->n_patterns; i++) {
		struct image_pattern pattern = image_pattern_at(image, i);

		demand(strlen((const char *)pattern.expression.at) == pattern.expression.len);
		demand(pattern.list == IMAGE_BLOCK || image_peer_at(image, pattern.peer) != NULL);
	}
}

static void use(const struct image *image)
{
	static const char *const names[] = {"local.example", "a.partner.example", "blocked.example",
		"k.a.b.c.d.e.f.g.h.i.j.example", "x.com", "b.spam-1.net", "x1", "", "a..b",
		"a-name-of-more-than-fifty-bytes-so-that-it-takes-two-units.example"};
	// The good image's database, whatever the patterns are now: its ids are not believed.
	struct policy policy = {image, database};
	struct decider *d = decider_new(&policy, 8);

	demand(d != NULL);
	walk(image);
	demand(image_stamp(image).len <= IMAGE_STAMP_BYTES_MAX);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		look_up(d, view_string(names[i]));
	decider_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *error = NULL;
	struct image *image;
	uint8_t *bytes;
	size_t n;

	if (good == NULL)
		make_good_image();
	if (size == 0)
		return 0;
	n = data[0] % 2 == 0 ? n_good : size - 1;
	if (n < sizeof(struct image_header))
		return 0;
	if (posix_memalign((void **)&bytes, 64, n) != 0)
		return 0;
	if (data[0] % 2 == 0) {
		memcpy(bytes, good, n);
		edit(bytes, n, data + 1, size - 1);
	} else {
		memcpy(bytes, data + 1, n);
	}
	mend(bytes, n);
	image = image_open(bytes, n, &error);
	demand((image == NULL) == (error != NULL));
	if (image != NULL)
		use(image);
	image_close(image);
	free(bytes);
	return 0;
}
