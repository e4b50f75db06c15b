// SPDX-License-Identifier: BSD-3-Clause
// What the image says of its peers: whether what the builder was told is found again, and whether
// a spoiled one is refused.

#include "tests/unit/lib/policy/image_copy.h"
#include "tests/unit/test.h"

static struct fixture fixture;

static int set_up(void **state)
{
	(void)state;
	fixture_init(&fixture, IMAGE_FEDERATION_ON);
	fixture_add_name(&fixture, "local.example", IMAGE_LOCAL, 1);
	fixture_add_name_of(&fixture, "discovered.example", IMAGE_ALLOW, fixture.discovered, 2);
	fixture_open(&fixture, 9);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_fini(&fixture);
	return 0;
}

static const struct image_peer *peer_at(uint32_t peer)
{
	return image_peer_at(fixture.policy.image, peer);
}

static void a_peer_by_host_has_its_hosts_and_a_named_hop(void **state)
{
	const struct image *image = fixture.policy.image;
	const struct image_peer *peer = peer_at(fixture.hosted);
	const struct endpoint *hop = image_hops(image, peer);
	enum hop_kind kind;
	struct view name;
	struct ip_addr key;

	(void)state;
	assert_int_equal(peer->identity, IMAGE_IDENTITY_HOST);
	assert_int_equal(peer->n_identities, 2);
	assert_true(view_equal(image_host(image, peer, 0), VIEW("proxy.example")));
	assert_true(view_equal(image_host(image, peer, 1), VIEW("proxy2.example")));
	assert_int_equal(peer->n_hops, 1);
	assert_int_equal(hop->port, 5061);
	assert_int_equal(hop->transport, TRANSPORT_TLS);
	key = hop_key(image_hop_keys(image), HOP_HOST, VIEW("proxy.example"));
	assert_true(ip_equal(&hop->ip, &key));
	assert_true(image_hop_name(image, &hop->ip, &kind, &name));
	assert_int_equal(kind, HOP_HOST);
	assert_true(view_equal(name, VIEW("proxy.example")));
	key.bytes[15] ^= 1;
	assert_false(image_hop_name(image, &key, &kind, &name));
	key = hop->ip;
	key.family = IP_V6;
	assert_false(image_hop_name(image, &key, &kind, &name));
}

static void a_peer_by_fingerprint_has_its_fingerprints(void **state)
{
	const struct image_peer *peer = peer_at(fixture.printed);
	uint8_t print[IMAGE_FINGERPRINT_BYTES];

	(void)state;
	assert_int_equal(peer->identity, IMAGE_IDENTITY_FINGERPRINT);
	assert_int_equal(peer->n_identities, 2);
	memset(print, FIXTURE_PRINT, sizeof(print));
	assert_memory_equal(image_fingerprint(fixture.policy.image, peer, 0), print, sizeof(print));
	memset(print, FIXTURE_PRINT_2, sizeof(print));
	assert_memory_equal(image_fingerprint(fixture.policy.image, peer, 1), print, sizeof(print));
	assert_int_equal(peer->verification, IMAGE_VERIFICATION_NEVER);
}

static void a_discovered_peer_has_no_hops(void **state)
{
	const struct image_peer *peer = peer_at(fixture.discovered);

	(void)state;
	assert_int_equal(peer->flags, IMAGE_PEER_DISCOVERED);
	assert_int_equal(peer->n_hops, 0);
	assert_int_equal(peer->identity, IMAGE_IDENTITY_DOMAIN);
	assert_int_equal(peer->verification, IMAGE_VERIFICATION_SOURCE);
}

static void other_peers_are_proved_by_domain_and_always_verified(void **state)
{
	const struct image_peer *peer = peer_at(fixture.local);

	(void)state;
	assert_int_equal(peer->identity, IMAGE_IDENTITY_DOMAIN);
	assert_int_equal(peer->n_identities, 0);
	assert_int_equal(peer->verification, IMAGE_VERIFICATION_ALWAYS);
	assert_int_equal(peer->flags, 0);
	assert_int_equal(peer->certificate, 7);
	assert_int_equal(peer_at(fixture.partner)->certificate, 0);
	assert_true(view_equal(image_stamp(fixture.policy.image), VIEW("X-Stamp")));
}

static void a_certificate_is_known_by_its_name(void **state)
{
	(void)state;
	assert_int_equal(image_certificate_id(VIEW("edge")), image_certificate_id(VIEW("edge")));
	assert_int_not_equal(
		image_certificate_id(VIEW("edge")), image_certificate_id(VIEW("edge2")));
	assert_int_not_equal(image_certificate_id(VIEW("")), 0);
}

typedef void spoil(struct image_copy *c);

static struct image_peer *peer_in(struct image_copy *c, uint32_t peer)
{
	return (struct image_peer *)copy_section(c, SECTION_PEERS) + peer;
}

static struct image_identity_row *identity_in(struct image_copy *c, unsigned i)
{
	return (struct image_identity_row *)copy_section(c, SECTION_IDENTITIES) + i;
}

static struct image_hop_row *hop_row_in(struct image_copy *c)
{
	return copy_section(c, SECTION_HOP_NAMES);
}

static void discover_one_with_hops(struct image_copy *c)
{
	peer_in(c, fixture.partner)->flags = IMAGE_PEER_DISCOVERED;
}

static void leave_one_without_hops(struct image_copy *c)
{
	peer_in(c, fixture.discovered)->flags = 0;
}

static void spoil_flags(struct image_copy *c)
{
	peer_in(c, fixture.partner)->flags = 2;
}

static void spoil_identity(struct image_copy *c)
{
	peer_in(c, fixture.partner)->identity = IMAGE_IDENTITY_N;
}

static void spoil_verification(struct image_copy *c)
{
	peer_in(c, fixture.partner)->verification = IMAGE_VERIFICATION_N;
}

static void give_one_by_domain_hosts(struct image_copy *c)
{
	peer_in(c, fixture.partner)->n_identities = 1;
}

static void take_the_hosts(struct image_copy *c)
{
	peer_in(c, fixture.hosted)->n_identities = 0;
}

static void give_too_many_hosts(struct image_copy *c)
{
	peer_in(c, fixture.printed)->n_identities = 3;
}

static void give_hosts_far_away(struct image_copy *c)
{
	peer_in(c, fixture.hosted)->first_identity = UINT32_MAX;
}

static void take_hosts_for_fingerprints(struct image_copy *c)
{
	peer_in(c, fixture.hosted)->identity = IMAGE_IDENTITY_FINGERPRINT;
}

static void give_a_host_a_fingerprint(struct image_copy *c)
{
	identity_in(c, 0)->fingerprint[31] = 1;
}

static void take_a_fingerprint(struct image_copy *c)
{
	memset(identity_in(c, 2)->fingerprint, 0, IMAGE_FINGERPRINT_BYTES);
}

static void spoil_host(struct image_copy *c)
{
	((uint8_t *)copy_section(c, SECTION_TEXT))[identity_in(c, 0)->host.offset] = 'P';
}

static void spoil_host_offset(struct image_copy *c)
{
	identity_in(c, 1)->host.offset = UINT32_MAX;
}

static void spoil_key(struct image_copy *c)
{
	hop_row_in(c)->key[15] ^= 1;
}

static void spoil_kind(struct image_copy *c)
{
	hop_row_in(c)->kind = HOP_DOMAIN;
}

static void spoil_kind_beyond(struct image_copy *c)
{
	hop_row_in(c)->kind = HOP_KIND_N;
}

static void spoil_name(struct image_copy *c)
{
	hop_row_in(c)->name.len = 300;
}

static struct endpoint *named_hop_in(struct image_copy *c)
{
	struct endpoint *hop = copy_section(c, SECTION_HOPS);

	while (hop->ip.family != IP_NAMED)
		hop++;
	return hop;
}

static void name_a_hop_that_has_no_name(struct image_copy *c)
{
	named_hop_in(c)->ip.bytes[0] ^= 1;
}

static void name_a_hop_over_udp(struct image_copy *c)
{
	named_hop_in(c)->transport = TRANSPORT_UDP;
}

static void spoil_stamp(struct image_copy *c)
{
	((uint8_t *)copy_section(c, SECTION_TEXT))[c->header->stamp.offset] = ':';
}

static void spoil_stamp_offset(struct image_copy *c)
{
	c->header->stamp.offset += 1;
}

static void take_the_stamp_s_length(struct image_copy *c)
{
	c->header->stamp = (struct image_text){1, 0};
}

static void what_is_spoiled_under_good_checksums_is_refused_by_name(void **state)
{
	static const struct {
		spoil *spoil;
		const char *error;
	} rows[] = {
		{discover_one_with_hops, "a peer with wrong next hops"},
		{leave_one_without_hops, "a peer with wrong next hops"},
		{spoil_flags, "a peer of an unknown kind"},
		{spoil_identity, "a peer of an unknown kind"},
		{spoil_verification, "a peer of an unknown kind"},
		{give_one_by_domain_hosts,
			"a peer with hosts or fingerprints that it does not use"},
		{take_the_hosts, "a peer with wrong hosts or fingerprints"},
		{give_too_many_hosts, "a peer with wrong hosts or fingerprints"},
		{give_hosts_far_away, "a peer with wrong hosts or fingerprints"},
		{take_hosts_for_fingerprints,
			"a peer with hosts for fingerprints, or fingerprints for hosts"},
		{give_a_host_a_fingerprint, "neither the name of a host nor a fingerprint"},
		{take_a_fingerprint, "neither the name of a host nor a fingerprint"},
		{spoil_host, "neither the name of a host nor a fingerprint"},
		{spoil_host_offset, "neither the name of a host nor a fingerprint"},
		{spoil_key, "a next hop's name with another one's key"},
		{spoil_kind, "a next hop's name with another one's key"},
		{spoil_kind_beyond, "a malformed name of a next hop"},
		{spoil_name, "a malformed name of a next hop"},
		{name_a_hop_that_has_no_name, "a named next hop without its name"},
		{name_a_hop_over_udp, "a malformed next hop"},
		{spoil_stamp, "a stamp whose name no header field can have"},
		{spoil_stamp_offset, "a stamp without its name"},
		{take_the_stamp_s_length, "a stamp without its name"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct image_copy c = copy_image(&fixture);
		const char *error;

		rows[i].spoil(&c);
		copy_mend(&c);
		error = copy_error(&c);
		assert_non_null(error);
		assert_string_equal(error, rows[i].error);
		free(c.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_by_host_has_its_hosts_and_a_named_hop),
		cmocka_unit_test(a_peer_by_fingerprint_has_its_fingerprints),
		cmocka_unit_test(a_discovered_peer_has_no_hops),
		cmocka_unit_test(other_peers_are_proved_by_domain_and_always_verified),
		cmocka_unit_test(a_certificate_is_known_by_its_name),
		cmocka_unit_test(what_is_spoiled_under_good_checksums_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
