// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "control/policy/builder.h"
#include "control/session/whom.h"

#include <unistd.h>

enum peer {
	LOCAL,
	BY_DOMAIN,
	BY_HOST,
	BY_HOSTS,
	BY_FINGERPRINT,
	SHARING, // a hop with BY_DOMAIN
	N_PEERS,
};

struct fixture {
	struct builder *builder;
	struct endpoint hops[N_PEERS];
	struct replica *replica;
};

static const uint8_t fingerprints[2][IMAGE_FINGERPRINT_BYTES] = {{1}, {2}};

static struct domain domain(const char *text)
{
	struct domain d;

	assert_int_equal(domain_canonical(view_string(text), &d), 0);
	return d;
}

static uint32_t add_peer(struct fixture *f, enum peer which, const char *hop)
{
	int peer;

	if (hop != NULL)
		assert_int_equal(
			endpoint_parse(view_string(hop), 5061, TRANSPORT_TLS, &f->hops[which]), 0);
	peer = builder_add_peer(
		f->builder, &f->hops[which], 1, NULL, 0, IMAGE_RULE(0, (unsigned)which + 1));
	assert_int_equal(peer, which);
	return (uint32_t)peer;
}

static void add_name(struct fixture *f, const char *name, enum peer peer)
{
	struct domain d = domain(name);
	enum image_list list;
	image_rule_id rule;

	assert_int_equal(builder_add_name(f->builder, &d, peer == LOCAL ? IMAGE_LOCAL : IMAGE_ALLOW,
				 peer, IMAGE_RULE(0, 9), &list, &rule),
		0);
}

static int setup(void **state)
{
	const struct builder_settings settings = {.body_bytes_max = 1000};
	struct fixture *f = calloc(1, sizeof(*f));
	struct domain hosts[2] = {domain("edge.one.example"), domain("edge.two.example")};
	struct domain host = domain("proxy.hosted.example");
	struct replica_error error;
	struct image_info info;
	int fd;

	f->builder = builder_new(&settings);
	assert_int_equal(builder_add_source(f->builder, VIEW("test")), 0);
	add_peer(f, LOCAL, "10.0.0.2");
	add_peer(f, BY_DOMAIN, "192.0.2.1");
	assert_int_equal(builder_name_hop(f->builder, HOP_HOST, &host, 5061, TRANSPORT_TLS,
				 &f->hops[BY_HOST]),
		0);
	add_peer(f, BY_HOST, NULL);
	builder_set_hosts(f->builder, BY_HOST, &host, 1);
	add_peer(f, BY_HOSTS, "192.0.2.3");
	builder_set_hosts(f->builder, BY_HOSTS, hosts, 2);
	add_peer(f, BY_FINGERPRINT, "192.0.2.4");
	builder_set_fingerprints(f->builder, BY_FINGERPRINT, fingerprints, 2);
	add_peer(f, SHARING, "192.0.2.1");
	add_name(f, "contoso.example", LOCAL);
	add_name(f, "fabrikam.example", BY_DOMAIN);
	add_name(f, "adatum.example", SHARING);
	add_name(f, "hosted.example", BY_HOST);
	fd = builder_finish(f->builder, 3, &info);
	assert_true(fd >= 0);
	f->replica = replica_open(fd, (uint64_t)lseek(fd, 0, SEEK_END), NULL, &error);
	assert_non_null(f->replica);
	close(fd);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	replica_close(f->replica);
	builder_free(f->builder);
	free(f);
	return 0;
}

static struct link_session_opened opened(const struct endpoint *hop)
{
	return (struct link_session_opened){
		.role = RECORD_OPENED, .target = {.remote = *hop, .certificate = 77}};
}

static bool ask(struct fixture *f, const struct endpoint *hop, struct whom *whom)
{
	struct link_session_opened m = opened(hop);

	return whom_ask(replica_image(f->replica), NULL, NULL, SIDE_OUTSIDE, &m, whom);
}

static bool accepts(struct fixture *f, enum peer peer, const char *name, const uint8_t *fingerprint)
{
	const struct link_target target = {.remote = f->hops[peer]};
	struct card card;

	card_init(&card, fingerprint, VIEW_NONE, VIEW_NONE, VIEW_NONE);
	if (name != NULL)
		assert_int_equal(card_add_name(&card, view_string(name), CARD_SAN_DNS), 0);
	return whom_accepts(f->replica, &target, &card);
}

static void assert_name(struct view name, const char *expected)
{
	assert_int_equal(name.len, strlen(expected));
	assert_memory_equal(name.at, expected, name.len);
}

static void a_partner_that_comes_must_show_a_certificate_and_a_server_of_ours_may(void **state)
{
	struct fixture *f = *state;
	const struct link_session_opened m = {.role = RECORD_ACCEPTED};
	const struct image *image = replica_image(f->replica);
	struct whom whom;

	assert_true(whom_ask(image, NULL, NULL, SIDE_OUTSIDE, &m, &whom));
	assert_int_equal(whom.params.role, TLS_SERVER);
	assert_int_equal(whom.params.demand, TLS_CERTIFICATE_REQUIRED);
	assert_int_equal(whom.params.match, TLS_MATCH_NONE);
	assert_true(whom_ask(image, NULL, NULL, SIDE_INSIDE, &m, &whom));
	assert_int_equal(whom.params.demand, TLS_CERTIFICATE_OPTIONAL);
	assert_false(whom_ask(NULL, NULL, NULL, SIDE_INSIDE, &m, &whom));
}

static void one_that_we_open_to_must_show_a_certificate_on_either_side(void **state)
{
	struct fixture *f = *state;
	struct link_session_opened m = opened(&f->hops[LOCAL]);
	struct whom whom;

	assert_true(whom_ask(replica_image(f->replica), NULL, NULL, SIDE_INSIDE, &m, &whom));
	assert_int_equal(whom.params.role, TLS_CLIENT);
	assert_int_equal(whom.params.demand, TLS_CERTIFICATE_REQUIRED);
	assert_int_equal(whom.params.certificate, 77);
}

static void a_host_is_asked_for_by_its_name_and_must_prove_it(void **state)
{
	struct fixture *f = *state;
	struct whom whom;

	assert_true(ask(f, &f->hops[BY_HOST], &whom));
	assert_int_equal(whom.params.match, TLS_MATCH_HOST);
	assert_name(whom.params.name, "proxy.hosted.example");
	assert_string_equal(whom.params.server_name, "proxy.hosted.example");
}

static void one_by_fingerprint_must_have_one_of_them(void **state)
{
	struct fixture *f = *state;
	struct whom whom;

	assert_true(ask(f, &f->hops[BY_FINGERPRINT], &whom));
	assert_int_equal(whom.params.match, TLS_MATCH_FINGERPRINT);
	assert_int_equal(whom.params.n_fingerprints, 2);
	assert_memory_equal(whom.params.fingerprints, fingerprints, sizeof(fingerprints));
	assert_null(whom.params.server_name);
	assert_true(accepts(f, BY_FINGERPRINT, NULL, fingerprints[1]));
	assert_false(accepts(
		f, BY_FINGERPRINT, "fabrikam.example", (const uint8_t[CARD_FINGERPRINT_BYTES]){3}));
}

static void of_several_hosts_the_card_proves_one(void **state)
{
	struct fixture *f = *state;
	struct whom whom;

	assert_true(ask(f, &f->hops[BY_HOSTS], &whom));
	assert_int_equal(whom.params.match, TLS_MATCH_NONE);
	assert_true(accepts(f, BY_HOSTS, "edge.two.example", fingerprints[0]));
	assert_false(accepts(f, BY_HOSTS, "edge.three.example", fingerprints[0]));
	assert_false(accepts(f, BY_HOSTS, NULL, fingerprints[0]));
}

static void a_hop_of_a_peer_known_by_its_domains_is_any_peer_that_has_it(void **state)
{
	struct fixture *f = *state;
	struct whom whom;

	assert_true(ask(f, &f->hops[BY_DOMAIN], &whom));
	assert_int_equal(whom.params.match, TLS_MATCH_NONE);
	assert_true(accepts(f, BY_DOMAIN, "fabrikam.example", fingerprints[0]));
	assert_true(accepts(f, BY_DOMAIN, "adatum.example", fingerprints[0]));
	// A good certificate of another partner, and one of nobody.
	assert_false(accepts(f, BY_DOMAIN, "hosted.example", fingerprints[0]));
	assert_false(accepts(f, BY_DOMAIN, "stranger.example", fingerprints[0]));
	assert_true(accepts(f, LOCAL, "contoso.example", fingerprints[0]));
	assert_false(accepts(f, LOCAL, "fabrikam.example", fingerprints[0]));
	assert_false(
		whom_accepts(f->replica, &(struct link_target){.remote = f->hops[LOCAL]}, NULL));
}

static bool name_of(void *arg, const struct ip_addr *key, enum hop_kind *kind, struct view *name)
{
	const struct endpoint *hop = arg;

	if (!ip_equal(key, &hop->ip))
		return false;
	*kind = HOP_DOMAIN;
	*name = VIEW("found.example");
	return true;
}

static void a_domain_that_dns_finds_must_prove_itself(void **state)
{
	struct fixture *f = *state;
	struct endpoint hop = {
		.ip = {.bytes = {7}, .family = IP_NAMED}, .transport = TRANSPORT_TLS};
	struct link_session_opened m = opened(&hop);
	struct whom whom;

	assert_false(ask(f, &hop, &whom));
	assert_true(whom_ask(replica_image(f->replica), name_of, &hop, SIDE_OUTSIDE, &m, &whom));
	assert_int_equal(whom.params.match, TLS_MATCH_DOMAIN);
	assert_name(whom.params.name, "found.example");
	assert_string_equal(whom.params.server_name, "found.example");
}

static void a_hop_that_no_peer_has_is_nobody(void **state)
{
	struct fixture *f = *state;
	struct endpoint hop;
	struct whom whom;

	assert_int_equal(endpoint_parse(VIEW("192.0.2.99"), 5061, TRANSPORT_TLS, &hop), 0);
	assert_false(ask(f, &hop, &whom));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_partner_that_comes_must_show_a_certificate_and_a_server_of_ours_may),
		CASE(one_that_we_open_to_must_show_a_certificate_on_either_side),
		CASE(a_host_is_asked_for_by_its_name_and_must_prove_it),
		CASE(one_by_fingerprint_must_have_one_of_them),
		CASE(of_several_hosts_the_card_proves_one),
		CASE(a_hop_of_a_peer_known_by_its_domains_is_any_peer_that_has_it),
		CASE(a_domain_that_dns_finds_must_prove_itself),
		CASE(a_hop_that_no_peer_has_is_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
