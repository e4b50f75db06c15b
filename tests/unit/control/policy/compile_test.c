// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/intake.h"

#include "control/policy/file.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static struct errors errors;

static int text_fd(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

// texts: the document, then its list files. What intake_compile() says.
static int run(const char *const texts[], size_t n, struct compiled *out)
{
	int fds[INTAKE_FDS_MAX], error;
	struct intake in = {.fds = fds, .n_fds = n, .generation = 7};
	struct view document = VIEW_NONE;

	for (size_t i = 0; i < n; i++)
		fds[i] = text_fd(texts[i]);
	errors_init(&errors, "doc");
	error = intake_compile(&in, out, &document, &errors);
	file_free(&document);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	return error;
}

static void refused(const char *const texts[], size_t n, const char *const expected[])
{
	struct compiled out;
	unsigned n_errors = 0;

	assert_int_equal(run(texts, n, &out), -EINVAL);
	for (; expected[n_errors] != NULL; n_errors++) {
		assert_true(n_errors < errors.n);
		assert_string_equal(errors.text[n_errors], expected[n_errors]);
	}
	assert_int_equal(errors.n, n_errors);
}

#define REFUSED(texts, ...)                                                          \
	do {                                                                         \
		static const char *const expected_errors[] = {__VA_ARGS__, NULL};    \
		refused(texts, sizeof(texts) / sizeof((texts)[0]), expected_errors); \
	} while (0)

#define HEAD                                                     \
	"local_domains:\n"                                       \
	"  - {domain: a.example, servers: [\"udp:10.0.0.1\"]}\n" \
	"partners:\n"                                            \
	"  - {name: p, next_hops: [\"udp:192.0.2.1\"]}\n"        \
	"  - {name: q, next_hops: [\"udp:192.0.2.2\"], connections: 1}\n"

static void a_document_with_lists_becomes_an_image(void **state)
{
	static const char *const texts[] = {HEAD
		"allow:\n  - {file: p.txt, partner: p}\n  - {domain: c.example, partner: q}\n"
		"block:\n  - {file: bad.txt}\n  - {pattern: '*.d.example'}\n",
		"b.example\r\n", "0.0.0.0 e.example f.example\n*.g.example\nre:^h[0-9]\n"};
	const struct image *image;
	struct compiled out;

	(void)state;
	assert_int_equal(run(texts, 3, &out), 0);
	assert_int_equal(out.info.generation, 7);
	assert_int_equal(out.info.n_names, 5);
	assert_int_equal(out.info.n_patterns, 3);
	assert_int_equal(out.info.n_peers, 3);
	assert_int_equal(fcntl(out.image_fd, F_GET_SEALS),
		F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	image = replica_image(out.replica);
	// Peers have the document's own numbers.
	assert_int_equal(image_hops(image, image_peer_at(image, 2))[0].ip.bytes[3], 2);
	assert_int_equal(image_rule_line(image_peer_at(image, 2)->rule), 5);
	assert_int_equal(image_peer_at(image, 2)->connections, 1);
	assert_int_equal(image_peer_at(image, 1)->connections, IMAGE_CONNECTIONS_DEFAULT);
	assert_true(view_equal(
		image_rule_source(image, image_peer_at(image, 2)->rule), VIEW("partners")));
	assert_true(view_equal(image_rule_source(image, image_pattern_at(image, 0).rule),
			    VIEW("bad.txt")) ||
		view_equal(
			image_rule_source(image, image_pattern_at(image, 0).rule), VIEW("block")));
	compiled_close(&out);
}

#define TLS                                                              \
	"certificates: [{name: edge, certificate: e.pem, key: e.key}]\n" \
	"tls: {trust: [system]}\n"                                       \
	"local_domains:\n"                                               \
	"  - {domain: a.example, servers: ['tls:10.0.0.1'], certificate: edge}\n"

static void what_a_document_says_of_tls_is_in_the_image(void **state)
{
	static const char *const texts[] = {
		TLS "partners:\n"
		    "  - {name: p, next_hops: ['tls:x.p.example', 'tls:y.p.example:5062']}\n"
		    "  - {name: q, discover: true}\n"
		    "  - {name: r, next_hops: ['tls:192.0.2.1', 'tls:x.p.example'], verification: "
		    "never,\n"
		    "     fingerprints: "
		    "[00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff]}\n"};
	const struct image_peer *peer;
	const struct image *image;
	struct compiled out;
	enum hop_kind kind;
	struct view name;

	(void)state;
	if (run(texts, 1, &out) != 0)
		fail_msg("%s", errors.text[0]);
	image = replica_image(out.replica);
	assert_true(view_equal(image_stamp(image), VIEW("ms-edge-proxy-message-trust")));
	peer = image_peer_at(image, 0);
	assert_int_equal(peer->certificate, image_certificate_id(VIEW("edge")));
	assert_int_equal(peer->n_sources, 0);
	peer = image_peer_at(image, 1);
	assert_int_equal(peer->identity, IMAGE_IDENTITY_HOST);
	assert_true(view_equal(image_host(image, peer, 1), VIEW("y.p.example")));
	assert_true(image_hop_name(image, &image_hops(image, peer)[1].ip, &kind, &name));
	assert_int_equal(kind, HOP_HOST);
	assert_true(view_equal(name, VIEW("y.p.example")));
	assert_int_equal(image_hops(image, peer)[1].port, 5062);
	peer = image_peer_at(image, 2);
	assert_int_equal(peer->flags, IMAGE_PEER_DISCOVERED);
	assert_int_equal(peer->verification, IMAGE_VERIFICATION_SOURCE);
	peer = image_peer_at(image, 3);
	assert_int_equal(peer->verification, IMAGE_VERIFICATION_NEVER);
	assert_int_equal(image_fingerprint(image, peer, 0)[31], 0xff);
	assert_true(endpoint_equal(
		&image_hops(image, peer)[1], &image_hops(image, image_peer_at(image, 1))[0]));
	compiled_close(&out);
}

static void a_document_with_tls_is_not_served_without_its_certificate(void **state)
{
	static const char *const texts[] = {
		HEAD "  - {name: r, discover: true}\ntls: {trust: [system]}\n"};

	(void)state;
	REFUSED(texts,
		"doc:6: TLS needs a certificate of ours, and certificates is missing; `fedctl cert "
		"request doc --key edge.key --csr edge.csr` makes a key and the request for one");
}

static void the_same_input_gives_the_same_digest(void **state)
{
	static const char *const texts[] = {HEAD "block:\n  - {file: bad.txt}\n", "b.example\n"};
	static const char *const other[] = {HEAD "block:\n  - {file: bad.txt}\n", "c.example\n"};
	struct compiled a, b, c;

	(void)state;
	assert_int_equal(run(texts, 2, &a), 0);
	assert_int_equal(run(texts, 2, &b), 0);
	assert_int_equal(run(other, 2, &c), 0);
	assert_memory_equal(a.info.digest, b.info.digest, IMAGE_DIGEST_BYTES);
	assert_memory_not_equal(a.info.digest, c.info.digest, IMAGE_DIGEST_BYTES);
	compiled_close(&a);
	compiled_close(&b);
	compiled_close(&c);
}

static void a_name_on_both_lists_is_refused_with_both_places(void **state)
{
	static const char *const texts[] = {HEAD
		"allow:\n  - {domain: B.example., partner: p}\nblock:\n  - {file: bad.txt}\n"
		"  - {domain: a.example}\n",
		"c.example\nb.example\n"};

	(void)state;
	REFUSED(texts,
		"bad.txt:2: \"b.example\" is blocked here and allowed at doc:7; remove one of the "
		"two",
		"doc:10: \"a.example\" is blocked here and declared local at doc:2; remove one of "
		"the two");
}

static void a_name_twice_on_one_list_is_fine(void **state)
{
	static const char *const texts[] = {HEAD
		"allow:\n  - {domain: b.example, partner: p}\n  - {domain: b.example, partner: "
		"p}\n  - {file: p.txt, partner: p}\n"
		"block:\n  - {domain: c.example}\n  - {file: bad.txt}\n",
		"b.example\nb.example\n", "c.example\nc.example\n"};
	struct compiled out;

	(void)state;
	assert_int_equal(run(texts, 3, &out), 0);
	assert_int_equal(out.info.n_names, 3);
	compiled_close(&out);
}

static void a_name_of_two_partners_is_refused(void **state)
{
	static const char *const lines[] = {HEAD
		"allow:\n  - {domain: b.example, partner: p}\n  - {domain: b.example, partner: "
		"q}\n"};
	static const char *const files[] = {HEAD
		"allow:\n  - {file: p.txt, partner: p}\n  - {file: q.txt, partner: q}\n",
		"b.example\n", "b.example\n"};
	static const char *const local[] = {
		HEAD "block: []\n",
	};
	static const char *const twice[] = {
		"local_domains:\n  - {domain: a.example, servers: [\"udp:10.0.0.1\"]}\n"
		"  - {domain: a.example, servers: [\"udp:10.0.0.2\"]}\n"};
	struct compiled out;

	(void)state;
	REFUSED(lines,
		"doc:8: \"b.example\" is allowed here and, for another peer, at doc:7; "
		"remove one of the two");
	REFUSED(files,
		"q.txt:1: \"b.example\" is allowed here and, for another peer, at p.txt:1; "
		"remove one of the two");
	REFUSED(twice,
		"doc:3: \"a.example\" is declared local here and, for another peer, at "
		"doc:2; remove one of the two");
	assert_int_equal(run(local, 1, &out), 0);
	compiled_close(&out);
}

static void a_bad_line_of_a_list_is_named(void **state)
{
	static const char *const texts[] = {HEAD "block:\n  - {file: bad.txt}\n",
		"c.example\nno name\n192.0.2.1 d.example\na..b\n"};

	(void)state;
	REFUSED(texts,
		"bad.txt:2: more than a name; one name a line, an address before names, or # "
		"before "
		"a comment is expected",
		"bad.txt:3: a hosts line that leads somewhere; 0.0.0.0, 127.0.0.1, :: or ::1 is "
		"expected before the names",
		"bad.txt:4: \"a..b\" is not a valid domain name; one such as contoso.example is "
		"expected");
}

static void a_bad_pattern_is_named_with_its_line(void **state)
{
	static const char *const texts[] = {
		HEAD "block:\n  - {file: bad.txt}\n  - {pattern: 're:a['}\n", "c.example\nre:(\n"};
	struct compiled out;

	(void)state;
	assert_int_equal(run(texts, 2, &out), -EINVAL);
	assert_int_equal(errors.n, 2);
	assert_memory_equal(errors.text[0], "bad.txt:2: pattern \"(\": ", 24);
	assert_memory_equal(errors.text[1], "doc:8: pattern \"a[\": ", 21);
}

static void files_that_were_not_handed_over_are_missed(void **state)
{
	static const char *const none[] = {HEAD "block:\n  - {file: bad.txt}\n"};
	static const char *const more[] = {HEAD, "c.example\n"};

	(void)state;
	REFUSED(none, "doc:7: list file bad.txt was not handed over");
	REFUSED(more, "doc: names 0 list files, 1 were handed over");
}

static void what_is_no_regular_file_is_not_read(void **state)
{
	int fds[2];
	struct intake in = {.fds = fds, .n_fds = 1, .generation = 1};
	struct view text;
	struct compiled out;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	errors_init(&errors, "doc");
	assert_int_equal(intake_compile(&in, &out, &text, &errors), -EINVAL);
	assert_string_equal(errors.text[0], "doc: not a regular file");
	close(fds[0]);
	close(fds[1]);
}

static void a_file_over_the_limit_is_not_read(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct intake in = {.fds = &fd, .n_fds = 1, .generation = 1};
	struct view text;
	struct compiled out;

	(void)state;
	assert_int_equal(ftruncate(fd, DOCUMENT_BYTES_MAX + 1), 0);
	errors_init(&errors, "doc");
	assert_int_equal(intake_compile(&in, &out, &text, &errors), -EINVAL);
	assert_string_equal(
		errors.text[0], "doc: too large; a document of at most 8192 KB is expected");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_with_lists_becomes_an_image),
		cmocka_unit_test(what_a_document_says_of_tls_is_in_the_image),
		cmocka_unit_test(a_document_with_tls_is_not_served_without_its_certificate),
		cmocka_unit_test(the_same_input_gives_the_same_digest),
		cmocka_unit_test(a_name_on_both_lists_is_refused_with_both_places),
		cmocka_unit_test(a_name_twice_on_one_list_is_fine),
		cmocka_unit_test(a_name_of_two_partners_is_refused),
		cmocka_unit_test(a_bad_line_of_a_list_is_named),
		cmocka_unit_test(a_bad_pattern_is_named_with_its_line),
		cmocka_unit_test(files_that_were_not_handed_over_are_missed),
		cmocka_unit_test(what_is_no_regular_file_is_not_read),
		cmocka_unit_test(a_file_over_the_limit_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
