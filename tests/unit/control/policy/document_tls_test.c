// SPDX-License-Identifier: BSD-3-Clause
// What a document says of TLS: certificates, trust, whom to find by name and how they prove
// themselves.

#include "control/policy/document.h"

#include "tests/unit/test.h"

static struct errors errors;

static struct document *parse(const char *text)
{
	errors_init(&errors, "doc");
	return document_parse(view_string(text), &errors);
}

// The document is refused, with exactly one error, which begins with "doc:LINE: " and tells what.
static void refused(const char *text, unsigned line, const char *what)
{
	struct document *d = parse(text);
	char place[32];

	assert_null(d);
	if (errors.n != 1 || strstr(errors.text[0], what) == NULL)
		fail_msg("expected %u: …%s…, got %u errors: %s", line, what, errors.n,
			errors.n > 0 ? errors.text[0] : "");
	snprintf(place, sizeof(place), "doc:%u: ", line);
	assert_memory_equal(errors.text[0], place, strlen(place));
}

#define LOCAL        "local_domains:\n  - {domain: a.example, servers: [\"udp:10.0.0.1\"]}\n"
#define PARTNER(...) LOCAL "partners:\n  - {name: p, " __VA_ARGS__ "}\n"
#define PRINT        "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define PRINT_COLONS                                                                              \
	"00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:" \
	"DD:EE:FF"

static void every_key_of_tls_arrives_in_the_struct(void **state)
{
	struct document *d =
		parse("federation: {stamp_header: X-Stamp}\n"
		      "certificates:\n"
		      "  - {name: edge, certificate: edge.pem, key: edge.key}\n"
		      "  - {name: lab, certificate: lab.pem, key: lab.key, comment: x}\n"
		      "tls:\n"
		      "  trust: [system, partners.pem]\n"
		      "  trust_inside: [own.pem]\n"
		      "  crl: [revoked.pem]\n"
		      "  eku: strict\n"
		      "  revocation: required\n"
		      "  minimum: 1.3\n"
		      "local_domains:\n"
		      "  - {domain: a.example, servers: ['tls:10.0.0.1'], certificate: lab}\n"
		      "partners:\n"
		      "  - {name: p, next_hops: ['tls:Proxy.P.example', "
		      "'tls:[2001:db8::1]:5062']}\n");

	(void)state;
	if (d == NULL)
		fail_msg("%s", errors.text[0]);
	assert_string_equal(d->stamp, "X-Stamp");
	assert_int_equal(d->tls.n_certificates, 2);
	assert_string_equal(d->tls.certificates[0].name, "edge");
	assert_string_equal(d->tls.certificates[0].certificate, "edge.pem");
	assert_string_equal(d->tls.certificates[1].key, "lab.key");
	assert_int_equal(d->tls.certificates[1].line, 4);
	assert_int_equal(d->tls.n_trust, 2);
	assert_string_equal(d->tls.trust[0], DOCUMENT_TRUST_SYSTEM);
	assert_string_equal(d->tls.trust_inside[0], "own.pem");
	assert_string_equal(d->tls.crls[0], "revoked.pem");
	assert_int_equal(d->tls.eku, DOCUMENT_EKU_STRICT);
	assert_int_equal(d->tls.revocation, DOCUMENT_REVOCATION_REQUIRED);
	assert_int_equal(d->tls.version_min, DOCUMENT_TLS_13);
	assert_string_equal(d->peers[0].certificate, "lab");
	assert_int_equal(d->peers[0].hops[0].to.port, 5061);
	assert_int_equal(d->peers[0].hops[0].to.transport, TRANSPORT_TLS);
	assert_null(d->peers[0].hops[0].host);
	assert_string_equal(d->peers[1].hops[0].host, "proxy.p.example");
	assert_int_equal(d->peers[1].hops[0].to.ip.family, IP_NAMED);
	assert_int_equal(d->peers[1].hops[0].to.port, 5061);
	assert_int_equal(d->peers[1].hops[1].to.port, 5062);
	assert_int_equal(d->peers[1].tls_line, 15);
	assert_int_equal(document_check_tls(d, &errors), 0);
	document_free(d);
}

static void what_is_left_out_of_tls_has_its_safe_value(void **state)
{
	struct document *d = parse(LOCAL);

	(void)state;
	assert_non_null(d);
	assert_string_equal(d->stamp, "ms-edge-proxy-message-trust");
	assert_int_equal(d->tls.n_trust, 0);
	assert_int_equal(d->tls.eku, DOCUMENT_EKU_SERVER);
	assert_int_equal(d->tls.revocation, DOCUMENT_REVOCATION_KNOWN);
	assert_int_equal(d->tls.version_min, DOCUMENT_TLS_12);
	assert_int_equal(document_check_tls(d, &errors), 0);
	document_free(d);
}

struct proof {
	const char *text;
	enum image_identity identity;
	size_t n_hosts, n_fingerprints, n_sources;
	enum image_verification verification;
};

static void how_a_partner_proves_itself_follows_from_how_it_is_found(void **state)
{
	static const struct proof rows[] = {
		{PARTNER("discover: true"), IMAGE_IDENTITY_DOMAIN, 0, 0, 0,
			IMAGE_VERIFICATION_SOURCE},
		{PARTNER("discover: true, identity: host, hosts: [x.example, y.example]"),
			IMAGE_IDENTITY_HOST, 2, 0, 0, IMAGE_VERIFICATION_SOURCE},
		{PARTNER("next_hops: ['tls:192.0.2.1']"), IMAGE_IDENTITY_DOMAIN, 0, 0, 0,
			IMAGE_VERIFICATION_ALWAYS},
		{PARTNER("next_hops: ['tls:192.0.2.1'], sources: [192.0.2.0/24]"),
			IMAGE_IDENTITY_DOMAIN, 0, 0, 1, IMAGE_VERIFICATION_ALWAYS},
		{PARTNER("next_hops: ['tls:192.0.2.1', 'udp:192.0.2.2', 'tcp:192.0.2.3']"),
			IMAGE_IDENTITY_DOMAIN, 0, 0, 2, IMAGE_VERIFICATION_ALWAYS},
		{PARTNER("next_hops: ['tls:x.example:5062', 'tls:y.example', 'tls:192.0.2.1']"),
			IMAGE_IDENTITY_HOST, 2, 0, 0, IMAGE_VERIFICATION_ALWAYS},
		{PARTNER("next_hops: ['tls:x.example'], hosts: [z.example]"), IMAGE_IDENTITY_HOST,
			1, 0, 0, IMAGE_VERIFICATION_ALWAYS},
		{PARTNER("next_hops: ['tls:x.example'], identity: domain"), IMAGE_IDENTITY_DOMAIN,
			0, 0, 0, IMAGE_VERIFICATION_ALWAYS},
		{PARTNER("next_hops: ['tls:192.0.2.1'], verification: never, fingerprints: "
			 "[" PRINT ", '" PRINT_COLONS "']"),
			IMAGE_IDENTITY_FINGERPRINT, 0, 2, 0, IMAGE_VERIFICATION_NEVER},
		{PARTNER("discover: true, verification: always, identity: fingerprint, "
			 "fingerprints: [" PRINT "]"),
			IMAGE_IDENTITY_FINGERPRINT, 0, 1, 0, IMAGE_VERIFICATION_ALWAYS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct document *d = parse(rows[i].text);
		const struct document_peer *peer;

		if (d == NULL)
			fail_msg("row %zu: %s", i, errors.text[0]);
		peer = &d->peers[1];
		assert_int_equal(peer->identity, rows[i].identity);
		assert_int_equal(peer->n_hosts, rows[i].n_hosts);
		assert_int_equal(peer->n_fingerprints, rows[i].n_fingerprints);
		assert_int_equal(peer->n_sources, rows[i].n_sources);
		assert_int_equal(peer->verification, rows[i].verification);
		assert_int_equal(peer->discovered, strstr(rows[i].text, "discover") != NULL);
		if (peer->n_fingerprints == 2)
			assert_memory_equal(peer->fingerprints[0], peer->fingerprints[1],
				sizeof(peer->fingerprints[0]));
		document_free(d);
	}
}

static void what_does_not_fit_together_is_refused_with_its_line(void **state)
{
	(void)state;
	refused(PARTNER("discover: false"), 4, "next_hops is missing");
	refused(PARTNER("comment: x"), 4, "or discover: true");
	refused(PARTNER("next_hops: ['tls:x.example'],\n     discover: true"), 5,
		"what has next_hops (line 4) is not looked for");
	refused(PARTNER("next_hops: ['tls:192.0.2.1'],\n     identity: host"), 5,
		"hosts is missing, and no next hop is a name");
	refused(PARTNER("discover: true, identity: fingerprint"), 4, "fingerprints is missing");
	refused(PARTNER("discover: true, identity: domain, hosts: [x.example]"), 4,
		"hosts are of no use here");
	refused(PARTNER("discover: true, hosts: [x.example], fingerprints: [" PRINT "]"), 4,
		"fingerprints are of no use here");
	refused(PARTNER("discover: true, hosts: [192.0.2.1]"), 4, "not the name of a host");
	refused(PARTNER("discover: true, fingerprints: [0011]"), 4, "not a fingerprint");
	refused(PARTNER("discover: true, fingerprints: [" PRINT "0]"), 4, "not a fingerprint");
	refused(PARTNER("discover: true, fingerprints: ['" PRINT ":']"), 4, "not a fingerprint");
	refused(PARTNER("discover: true, identity: wildcard"), 4, "domain, host or fingerprint");
	refused(PARTNER("discover: true, verification: perhaps"), 4, "always, never or source");
}

static void a_next_hop_by_name_needs_tls_and_a_name(void **state)
{
	static const char *const wrong[] = {"udp:x.example", "tcp:x.example:5060",
		"tls:", "tls:x.example:", "tls:x.example:0", "tls:x.example:65536",
		"tls:x.example:5o61", "tls:x..example", "tls:192.0.2", "tls:2001:db8::1",
		"tls:x.example:5061:5062", "tls://x.example", "tls:*.example", "tls:192.0.2.1:0"};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), PARTNER("next_hops: ['%s']"), wrong[i]);
		refused(text, 4, "is not a next hop; ");
	}
	refused(PARTNER("next_hops: ['tls:x.example', 'tls:X.EXAMPLE:5061']"), 4,
		"stands on line 4 already");
}

static void certificates_are_named_once_and_found_by_their_users(void **state)
{
	(void)state;
	refused(LOCAL "certificates:\n  - {name: e, certificate: e.pem, key: e.key}\n"
		      "  - {name: e, certificate: f.pem, key: f.key}\n",
		5, "called \"e\" stands on line 4 already");
	refused("local_domains:\n  - domain: a.example\n    servers: ['udp:10.0.0.1']\n"
		"    certificate: lab\n",
		4, "no certificate is called \"lab\"");
	refused(LOCAL "certificates:\n  - {name: e, certificate: e.pem}\n", 4, "key is missing");
}

static void files_are_plain_names(void **state)
{
	static const char *const wrong[] = {"../e.key", "/etc/e.key", ".e.key", "keys/e.key"};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text),
			LOCAL "certificates:\n  - {name: e, certificate: e.pem, key: %s}\n",
			wrong[i]);
		refused(text, 4, "without a path");
		snprintf(text, sizeof(text), LOCAL "tls: {trust: [%s]}\n", wrong[i]);
		refused(text, 3, "without a path");
	}
}

static void a_stamp_is_a_header_field_of_its_own(void **state)
{
	static const char *const wrong[] = {"Via", "f", "x:y", "x y", "x_y"};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "federation: {stamp_header: '%s'}\n" LOCAL, wrong[i]);
		refused(text, 1, "stamp_header: ");
	}
}

static void tls_without_a_certificate_is_refused_with_the_command_that_asks_for_one(void **state)
{
	static const char *const rows[] = {PARTNER("discover: true"),
		PARTNER("next_hops: ['tls:x.example']"), PARTNER("next_hops: ['tls:192.0.2.1']")};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct document *d = parse(rows[i]);

		assert_non_null(d);
		assert_true(document_check_tls(d, &errors) < 0);
		assert_int_equal(errors.n, 2);
		assert_string_equal(errors.text[0],
			"doc:4: TLS needs a certificate of ours, and certificates is missing; "
			"`fedctl cert request doc --key edge.key --csr edge.csr` makes a key and "
			"the request for one");
		assert_non_null(strstr(errors.text[1], "doc:4: TLS needs somebody to trust"));
		document_free(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_of_tls_arrives_in_the_struct),
		cmocka_unit_test(what_is_left_out_of_tls_has_its_safe_value),
		cmocka_unit_test(how_a_partner_proves_itself_follows_from_how_it_is_found),
		cmocka_unit_test(what_does_not_fit_together_is_refused_with_its_line),
		cmocka_unit_test(a_next_hop_by_name_needs_tls_and_a_name),
		cmocka_unit_test(certificates_are_named_once_and_found_by_their_users),
		cmocka_unit_test(files_are_plain_names),
		cmocka_unit_test(a_stamp_is_a_header_field_of_its_own),
		cmocka_unit_test(
			tls_without_a_certificate_is_refused_with_the_command_that_asks_for_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
