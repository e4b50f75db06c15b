// SPDX-License-Identifier: BSD-3-Clause

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

#define LOCAL     "local_domains:\n  - {domain: a.example, servers: [\"udp:10.0.0.1\"]}\n"
#define PARTNERS  "partners:\n  - {name: p, next_hops: [\"udp:192.0.2.1\"]}\n"
#define WITH(...) LOCAL PARTNERS __VA_ARGS__

static void every_key_arrives_in_the_struct(void **state)
{
	struct document *d = parse("federation: {enabled: true, sip: true}\n"
				   "limits: {body: 2 MB}\n"
				   "allow:\n"
				   "  - {domain: b.example, partner: p, comment: x}\n"
				   "  - {file: lists/p.txt, partner: p}\n"
				   "block:\n"
				   "  - pattern: '*.c.example'\n"
				   "  - pattern: 're:^d'\n"
				   "local_domains:\n"
				   "  - domain: a.example\n"
				   "    domains: [e.example]\n"
				   "    servers: [udp:10.0.0.1, 'udp:[fd00::1]:5070']\n"
				   "    sources: [10.0.0.0/8]\n"
				   "    comment: ours\n"
				   "partners:\n"
				   "  - {name: p, next_hops: ['tcp:192.0.2.1:5080'], "
				   "connections: 2}\n");
	char text[ENDPOINT_TEXT_BYTES];

	(void)state;
	assert_non_null(d);
	assert_int_equal(d->flags, IMAGE_FEDERATION_ON | IMAGE_SIP_ON);
	assert_int_equal(d->body_bytes_max, 2 << 20);
	assert_int_equal(d->n_peers, 2);
	assert_true(d->peers[0].local);
	assert_int_equal(d->peers[0].n_hops, 2);
	endpoint_format(&d->peers[0].hops[1].to, text);
	assert_string_equal(text, "[fd00::1]:5070");
	assert_int_equal(d->peers[0].n_sources, 1);
	assert_int_equal(d->peers[0].sources[0].bits, 8);
	assert_false(d->peers[1].local);
	assert_string_equal(d->peers[1].name, "p");
	assert_int_equal(d->peers[0].connections, 4);
	assert_int_equal(d->peers[0].hops[1].to.transport, TRANSPORT_UDP);
	assert_int_equal(d->peers[1].connections, 2);
	assert_int_equal(d->peers[1].hops[0].to.transport, TRANSPORT_TCP);
	assert_int_equal(d->peers[1].hops[0].to.port, 5080);
	assert_int_equal(d->n_entries, 6);
	assert_int_equal(d->entries[0].kind, DOCUMENT_DOMAIN);
	assert_int_equal(d->entries[0].list, IMAGE_ALLOW);
	assert_int_equal(d->entries[0].line, 4);
	assert_int_equal(d->entries[0].peer, 1);
	assert_int_equal(d->entries[1].kind, DOCUMENT_FILE);
	assert_ptr_equal(document_file(d, 0), &d->entries[1]);
	assert_null(document_file(d, 1));
	assert_int_equal(d->entries[2].kind, DOCUMENT_WILDCARD);
	assert_int_equal(d->entries[2].list, IMAGE_BLOCK);
	assert_int_equal(d->entries[2].peer, UINT32_MAX);
	assert_int_equal(d->entries[3].kind, DOCUMENT_REGEX);
	assert_string_equal(d->entries[3].text, "^d");
	assert_int_equal(d->entries[5].list, IMAGE_LOCAL);
	assert_int_equal(d->entries[5].line, 11);
	assert_int_equal(d->entries[5].peer, 0);
	document_free(d);
}

static void what_is_left_out_has_its_safe_value(void **state)
{
	struct document *d = parse(WITH());

	(void)state;
	assert_non_null(d);
	assert_int_equal(d->flags, 0);
	assert_int_equal(d->body_bytes_max, 5000 * 1024);
	// Sources are the hops' own addresses.
	assert_int_equal(d->peers[1].n_sources, 1);
	assert_int_equal(d->peers[1].sources[0].bits, 32);
	assert_true(ip_equal(&d->peers[1].sources[0].ip, &d->peers[1].hops[0].to.ip));
	assert_int_equal(d->peers[1].hops[0].to.port, 5060);
	document_free(d);
}

static void a_missing_key_is_named_with_its_line(void **state)
{
	(void)state;
	refused("federation: {enabled: true}\n", 1, "local_domains is missing");
	refused("local_domains:\n  - {servers: [\"udp:10.0.0.1\"]}\n", 2, "domain is missing");
	refused("local_domains:\n  - {domain: a.example}\n", 2, "servers is missing");
	refused(LOCAL "partners:\n  - {next_hops: [\"udp:192.0.2.1\"]}\n", 4, "name is missing");
	refused(LOCAL "partners:\n  - {name: p}\n", 4, "next_hops is missing");
	refused(WITH("allow:\n  - {domain: b.example}\n"), 6, "partner is missing");
	refused(WITH("allow:\n  - {partner: p}\n"), 6, "without a name");
	refused(WITH("block:\n  - {comment: nothing}\n"), 6, "without a name");
}

static void a_doubled_key_is_named_with_its_line(void **state)
{
	static const char *const rows[][2] = {
		{"federation: {}\nfederation: {}\n", "federation"},
		{"federation:\n  enabled: true\n  enabled: true\n", "enabled"},
		{"federation:\n  sip: true\n  sip: true\n", "sip"},
		{"limits: {}\nlimits: {}\n", "limits"},
		{"limits:\n  body: 2 MB\n  body: 2 MB\n", "body"},
		{"block: []\nblock: []\n", "block"},
		{"block:\n  - {domain: c.example,\n    domain: c.example}\n", "domain"},
		{"block:\n  - {file: f,\n    file: f}\n", "file"},
		{"block:\n  - {pattern: '*a',\n    pattern: '*a'}\n", "pattern"},
		{"block:\n  - {domain: c.example, comment: x,\n    comment: x}\n", "comment"},
		{"allow:\n  - {domain: c.example, partner: p,\n    partner: p}\n", "partner"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];
		unsigned line = 5;

		snprintf(text, sizeof(text), "%s%s", WITH(), rows[i][0]);
		for (const char *c = rows[i][0]; *c != '\0'; c++)
			line += *c == '\n';
		refused(text, line - 1, rows[i][1]);
	}
	refused("local_domains:\n  - domain: a.example\n    domain: a.example\n"
		"    servers: [\"udp:10.0.0.1\"]\n",
		3, "domain");
	refused("local_domains:\n  - domain: a.example\n    servers: [\"udp:10.0.0.1\"]\n"
		"    servers: [\"udp:10.0.0.1\"]\n",
		4, "servers");
}

static void a_misspelt_key_is_named_with_its_line(void **state)
{
	(void)state;
	refused(WITH("fedration: {}\n"), 5, "fedration");
	refused(WITH("federation: {enable: true}\n"), 5, "enable");
	refused(WITH("limits: {bodies: 2 MB}\n"), 5, "bodies");
	refused(WITH("block:\n  - {domian: c.example, domain: c.example}\n"), 6, "domian");
	refused(WITH("block:\n  - {domain: c.example, partner: p}\n"), 6, "partner");
	refused(WITH("allow:\n  - {regex: x, domain: c.example, partner: p}\n"), 6, "regex");
	refused("local_domains:\n  - {domain: a.example, server: [x],"
		" servers: [\"udp:10.0.0.1\"]}\n",
		2, "server");
	refused(LOCAL "partners:\n  - {name: p, hops: [], next_hops: [\"udp:192.0.2.1\"]}\n", 4,
		"hops");
}

static void a_value_out_of_range_is_named_with_its_line(void **state)
{
	(void)state;
	refused(WITH("limits: {body: 999 KB}\n"), 5, "1000 KB to 20000 KB");
	refused(WITH("limits: {body: 20001 KB}\n"), 5, "1000 KB to 20000 KB");
	refused(WITH("limits: {body: 5000}\n"), 5, "1000 KB to 20000 KB");
	refused(WITH("limits: {body: 70000x}\n"), 5, "1000 KB to 20000 KB");
	refused(WITH("federation: {sip: on}\n"), 5, "true or false");
	refused(WITH("block:\n  - {domain: a..b}\n"), 6, "not a valid domain");
	refused(WITH("block:\n  - {domain: 10.0.0.1}\n"), 6, "not a valid domain");
	refused(WITH("block:\n  - {domain: ''}\n"), 6, "domain");
	refused(WITH("block:\n  - {domain: [c.example]}\n"), 6, "domain");
	refused(WITH("block: c.example\n"), 5, "block");
}

static void a_server_that_cannot_be_one_is_refused(void **state)
{
	static const char *const rows[] = {"10.0.0.1:5060", "sctp:10.0.0.1", "tcp:", "tcp10.0.0.1",
		"udp:", "udp:x.example", "udp:10.0.0.1:0", "udp:10.0.0.1:65536", "udp:0.0.0.0",
		"udp:224.0.0.1", "udp:255.255.255.255", "udp:[::]:5060", "udp:[ff02::1]",
		"udp:[fd00::1", "udp:fd00::1", "udp:fd00::1:5060"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			"local_domains:\n  - domain: a.example\n    servers: [\"%s\"]\n", rows[i]);
		refused(text, 3, rows[i]);
	}
	refused("local_domains:\n  - {domain: a.example, connections: 5, servers: "
		"[\"udp:10.0.0.1\"]}\n",
		2, "expected a number from 1 to 4");
	refused("local_domains:\n  - {domain: a.example, connections: 0, servers: "
		"[\"udp:10.0.0.1\"]}\n",
		2, "expected a number from 1 to 4");
	refused("local_domains:\n  - {domain: a.example, servers: [\"udp:10.0.0.1\",\n"
		"    \"udp:10.0.0.1:5060\"]}\n",
		3, "stands on line 2 already");
}

static void a_source_with_bits_beyond_its_prefix_is_refused(void **state)
{
	(void)state;
	refused("local_domains:\n  - {domain: a.example, servers: [\"udp:10.0.0.1\"],\n"
		"    sources: [10.0.0.1/8]}\n",
		3, "10.0.0.1/8");
}

static void a_partner_that_nobody_declared_is_refused(void **state)
{
	(void)state;
	refused(WITH("allow:\n  - {domain: b.example, partner: q}\n"), 6, "\"q\"");
	refused(LOCAL PARTNERS "  - {name: p, next_hops: [\"udp:192.0.2.9\"]}\n", 5,
		"stands on line 4 already");
}

static void an_entry_with_two_names_is_refused(void **state)
{
	(void)state;
	refused(WITH("block:\n  - {domain: c.example, file: f}\n"), 6, "one of domain, file and");
	refused(WITH("block:\n  - {file: f, pattern: '*a'}\n"), 6, "one of domain, file and");
}

static void more_list_files_than_descriptors_are_refused(void **state)
{
	char text[8192];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s", LOCAL "block:\n");

	(void)state;
	for (int i = 0; i < DOCUMENT_FILES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  - {file: f%d}\n", i);
	document_free(parse(text));
	assert_int_equal(errors.n, 0);
	snprintf(text + n, sizeof(text) - n, "  - {file: one-more}\n");
	refused(text, 4 + DOCUMENT_FILES_MAX, "list files");
}

static void all_errors_are_reported_up_to_a_limit(void **state)
{
	char text[4096];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s", LOCAL "block:\n");

	(void)state;
	for (int i = 0; i < ERRORS_MAX + 5; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  - {domain: a..b}\n");
	assert_null(parse(text));
	assert_int_equal(errors.n, ERRORS_MAX);
	assert_int_equal(errors.n_dropped, 5);
}

static void what_is_no_plain_document_is_refused(void **state)
{
	(void)state;
	assert_null(parse(""));
	assert_true(errors.n > 0);
	assert_null(parse("- a\n"));
	assert_true(errors.n > 0);
	assert_null(parse(WITH("---\nblock: []\n")));
	assert_true(errors.n > 0);
	assert_null(parse(WITH("block: &x []\n")));
	assert_true(errors.n > 0);
	assert_null(parse(WITH("block: !!seq []\n")));
	assert_true(errors.n > 0);
	assert_null(parse(WITH("block:\n  - {comment: \"\xff\", domain: c.example}\n")));
	assert_true(errors.n > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_arrives_in_the_struct),
		cmocka_unit_test(what_is_left_out_has_its_safe_value),
		cmocka_unit_test(a_missing_key_is_named_with_its_line),
		cmocka_unit_test(a_doubled_key_is_named_with_its_line),
		cmocka_unit_test(a_misspelt_key_is_named_with_its_line),
		cmocka_unit_test(a_value_out_of_range_is_named_with_its_line),
		cmocka_unit_test(a_server_that_cannot_be_one_is_refused),
		cmocka_unit_test(a_source_with_bits_beyond_its_prefix_is_refused),
		cmocka_unit_test(a_partner_that_nobody_declared_is_refused),
		cmocka_unit_test(an_entry_with_two_names_is_refused),
		cmocka_unit_test(more_list_files_than_descriptors_are_refused),
		cmocka_unit_test(all_errors_are_reported_up_to_a_limit),
		cmocka_unit_test(what_is_no_plain_document_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
